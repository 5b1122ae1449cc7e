"""Nothing waits in silence: what hpp says while there is no answer yet, and after a crash."""

import json
import time
import unittest

from harness import PYTHON, Background, Hpp, IntegrationTest, free_port, get, wait_for

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

# Listens on the port of its argument, and begins to answer when the file exists.
SLOW = """\
import http.server, os, sys, time
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
while not os.path.exists(sys.argv[2]):
    time.sleep(0.01)
server.serve_forever()
"""


class Person(Hpp):
    is_verbose = False


class NothingWaitsInSilence(IntegrationTest):
    def test_the_wrong_port_is_named(self):
        self.save("app.py", SLOW)
        other = free_port()
        hpp = self.start_hpp("--exec", PYTHON, "app.py", other, "go", kind=Person)
        hpp.wait_line(f"^hpp  still starting after 5000 ms: your server listens on port {other}, but hpp "
                      f"expects it on 127.0.0.1:{hpp.backend}. Let both name the same port$")

    def test_a_server_that_does_not_answer_is_named(self):
        self.save("app.py", SLOW)
        hpp = self.start_hpp("--exec", PYTHON, "app.py", "{backend}", self.directory / "go", kind=Person)
        hpp.wait_line("^hpp  still starting after 5000 ms: .* accepts connections, but has not answered yet")
        (self.directory / "go").touch()
        hpp.wait_line("^hpp  ready in ")

    def test_a_navigation_gets_a_page_and_other_requests_wait(self):
        self.save("app.py", SLOW)
        hpp = self.start_hpp("--exec", PYTHON, "app.py", "{backend}", self.directory / "go")
        wait_for(lambda: hpp.snapshot("proxyd").get("listening"), "proxyd")
        of_scripts = [Background(get, hpp.url), Background(get, hpp.url, Accept="text/html", X_Requested_With="x"),
                      Background(get, hpp.url, Accept=BROWSER, Sec_Fetch_Mode="cors")]
        frame = Background(get, hpp.url, Accept=BROWSER, Sec_Fetch_Dest="iframe", Sec_Fetch_Mode="navigate")
        began = time.monotonic()
        page = get(hpp.url, Accept=BROWSER)
        self.assertGreater(time.monotonic() - began, 9)
        self.assertEqual(page.status, 503)
        self.assertIn("<h1>Your server is still starting</h1>", page.text)
        self.assertIn("accepts connections, but has not answered yet.", page.text)
        self.assertFalse(any(request.is_done() for request in (*of_scripts, frame)))
        (self.directory / "go").touch()
        for request in (*of_scripts, frame):
            self.assertEqual(request.result().status, 200)
        self.assertEqual(get(hpp.url, Accept=BROWSER).status, 200)

    def test_a_crash_names_the_request(self):
        hpp = self.start_ready()
        for path in ("crash", "later"):
            page = get(hpp.url + path, Accept=BROWSER)
            self.assertEqual(page.status, 503)
            self.assertIn("<h1>Your server crashed while it handled GET /crash</h1>", page.text)
        wait = json.loads(self.run_program("ctl", "wait", "--json").output())
        self.assertEqual((wait["reason"], wait["request"]), ("crashed", "GET /crash"))
        proxy = json.loads(get(hpp.url + "__hpp/status").text)["proxy"]
        self.assertEqual((proxy["crash_generation"], proxy["crash_requests"]), (1, "GET /crash"))
        wait_for(lambda: json.loads(self.run_program("ctl", "status", "--json").output())["proxy"]
                 ["crash_requests"] == "GET /crash", "the request in hpp-ctl status")
        self.save_backend("again")
        hpp.wait_state("Running", 2)
        self.assertEqual(get(hpp.url).text, "again")


if __name__ == "__main__":
    unittest.main()
