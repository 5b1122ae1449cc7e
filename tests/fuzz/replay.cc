// Runs a fuzz target with every file of the given folders. This makes the corpus a test that needs
// no fuzzer.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  // Printed before the run, so that the last line names the file that fails.
  std::printf("%s\n", path.c_str());
  std::fflush(stdout);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

int replay_all(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return replay(path), 1;
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    replay(entry.path());
    ++count;
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  int count = 0;
  for (int i = 1; i < argc; ++i) count += replay_all(argv[i]);
  std::printf("%d inputs\n", count);
  return count > 0 ? 0 : 1;
}
