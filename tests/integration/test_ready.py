"""When the server says itself that it is ready: in a line of its output, or with READY=1 (--ready line,
notify). Requests wait until then, even if the server listens."""

import json
import os
import signal
import socket

from harness import PYTHON, Background, IntegrationTest, environment_of, get, wait_for
from test_start import SERVER

# Announces with `announce` that it is ready, when the file `../go` exists. Listens before that.
LATE = SERVER + """\
import threading, time
def notify(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
def go():
    while not os.path.exists("../go"): time.sleep(0.005)
text = {text!r}
server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
threading.Thread(target=server.serve_forever).start()
print("listens", text, flush=True)
{before}
go()
{announce}
"""

PRINT = 'print("\\x1b[32mserving", text, "on port", 8001, "\\x1b[0m", file=sys.stderr, flush=True)'
LINE = ("--ready", "line:^serving [a-z]+ on port [0-9]+$")


class ReadyTest(IntegrationTest):
    def save_server(self, text="one", before="", announce=PRINT):
        self.save("app.py", LATE.format(text=text, before=before, announce=announce))

    def start_late(self, *options):
        self.hpp = self.start_hpp(*options, "--exec", PYTHON, "app.py", "{backend}")
        self.hpp.wait_watching()
        return self.hpp

    def go(self):
        (self.directory / "go").touch()

    def delay(self):
        status = self.run_program("ctl", "status", "--json")
        return json.loads(status.output("out"))["backend"]["delay"]

    def wait_for_nothing(self, text="one"):
        """Waits until the server listens, and checks that hpp waits for more."""
        self.hpp.wait_line(f"listens {text}")
        request = Background(get, self.hpp.url)
        wait_for(lambda: self.hpp.snapshot().get("state") == "Loading", "Loading")
        self.assertEqual(self.hpp.snapshot()["announced"], False)
        return request

    def check_two_generations(self, *options):
        self.start_late(*options)
        request = self.wait_for_nothing()
        self.assertFalse(request.is_done())
        self.go()
        self.assertEqual(request.result().text, "one")
        (self.directory / "go").unlink()
        self.save_server("two", **self.server)
        request = self.wait_for_nothing("two")
        self.assertFalse(request.is_done())
        self.go()
        self.assertEqual(request.result().text, "two")
        self.assertEqual(self.hpp.generation, 2)


class Line(ReadyTest):
    def test_each_generation_prints_it(self):
        self.server = {}
        self.save_server()
        self.check_two_generations(*LINE)

    def test_its_absence_is_named(self):
        self.save_server()
        self.start_late("--ready", "line:Serving")
        self.hpp.wait_line("no answer after 5000 ms: no line of your server's output matches Serving yet "
                           r"\(--ready line\), although it listens on port \d+. Compare REGEX")
        self.assertIn("matches Serving yet", self.delay())

    def test_a_server_that_ends_before_has_crashed(self):
        self.save_server(announce="os._exit(4)")
        self.go()
        hpp = self.start_late(*LINE)
        self.assertEqual(hpp.wait_state("Error")["exit"], {"code": 4})
        self.assertEqual(get(hpp.url).status, 503)

    def test_it_is_in_hpp_toml(self):
        self.save("hpp.toml", f"ready = '{LINE[1]}'\n")
        self.save_server()
        self.start_late()
        request = self.wait_for_nothing()
        self.go()
        self.assertEqual(request.result().text, "one")

    def test_supervisord_is_killed_while_it_waits(self):
        self.save_server()
        hpp = self.start_late(*LINE)
        request = self.wait_for_nothing()
        killed = hpp.helper_pid("supervisord")
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: hpp.helper_pid("supervisord") not in (None, killed), "another supervisord")
        self.go()
        self.assertEqual(request.result().text, "one")
        self.assertEqual(hpp.generation, 1)


class Notify(ReadyTest):
    server = {"before": 'notify("STATUS=loading half of it")',
              "announce": 'os.fork() or (notify("READY=1"), os._exit(0))'}  # as systemd-notify(1) does

    def test_each_generation_sends_it(self):
        self.save_server(**self.server)
        self.check_two_generations("--ready", "notify")

    def test_its_status_is_the_reason_of_the_wait(self):
        self.save_server(**self.server)
        self.start_late("--ready", "notify")
        wait_for(lambda: "its status is: loading half of it" in self.delay(), "the status")
        self.go()
        self.hpp.wait_state("Running")

    def test_another_process_cannot_send_it(self):
        self.save_server(**self.server)
        hpp = self.start_late("--ready", "notify")
        self.wait_for_nothing()
        path = environment_of(hpp.snapshot()["pid"])["NOTIFY_SOCKET"]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"READY=1", path)
        hpp.wait_line(rf"a message to NOTIFY_SOCKET came from pid {os.getpid()} .*, which is no process of "
                      "your server, so hpp ignores it")
        self.assertEqual(hpp.snapshot()["state"], "Loading")

    def test_it_is_sent_while_supervisord_is_stopped_and_killed(self):
        self.save_server(**self.server)
        hpp = self.start_late("--ready", "notify")
        request = self.wait_for_nothing()
        killed = hpp.helper_pid("supervisord")
        os.kill(killed, signal.SIGSTOP)
        self.go()
        # The message is in the queue when its sender, a child of the server, has ended.
        pid = hpp.snapshot()["pid"]
        wait_for(lambda: any(self.is_zombie(child) for child in self.children(pid)), "the end of the sender")
        os.kill(killed, signal.SIGKILL)
        self.assertEqual(request.result().text, "one")
        self.assertEqual(hpp.generation, 1)

    def test_a_server_that_listens_later_is_remembered(self):
        """A supervisord that is started after READY=1 does not wait for another one."""
        announce = 'os.remove("../go"); server.shutdown(); server.server_close(); notify("READY=1"); go()\n'
        announce += 'Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()'
        self.save_server(announce=announce)
        hpp = self.start_late("--ready", "notify")
        self.wait_for_nothing()
        self.go()
        wait_for(lambda: hpp.snapshot()["announced"], "the announcement")
        killed = hpp.helper_pid("supervisord")
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: hpp.helper_pid("supervisord") not in (None, killed), "another supervisord")
        self.go()
        self.assertEqual(get(hpp.url).text, "one")
        self.assertEqual(hpp.generation, 1)

    @staticmethod
    def children(pid):
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            return children.read().split()

    @staticmethod
    def is_zombie(pid):
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
