#include "common/json_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace hpp {
namespace {

template <class Json>
std::string write(const Json& json, int indentation) {
  return json.dump(indentation, ' ', false, Json::error_handler_t::replace);
}

template <class Json>
Json read(std::string_view text) {
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

constexpr int kOneLine = -1;
constexpr int kIndentation = 2;

// Takes nothing from a text but the place of its error.
class ErrorFinder : public nlohmann::json_sax<nlohmann::json> {
 public:
  // The number of bytes up to the error, the wrong byte included.
  std::size_t bytes() const { return bytes_; }

  bool null() override { return true; }

  bool boolean(bool) override { return true; }

  bool number_integer(number_integer_t) override { return true; }

  bool number_unsigned(number_unsigned_t) override { return true; }

  bool number_float(number_float_t, const string_t&) override { return true; }

  bool string(string_t&) override { return true; }

  bool binary(binary_t&) override { return true; }

  bool start_object(std::size_t) override { return true; }

  bool key(string_t&) override { return true; }

  bool end_object() override { return true; }

  bool start_array(std::size_t) override { return true; }

  bool end_array() override { return true; }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    bytes_ = position;
    return false;
  }

 private:
  std::size_t bytes_ = 0;
};

}  // namespace

std::string json_text(const nlohmann::json& json) {
  return write(json, kOneLine);
}

std::string json_text(const nlohmann::ordered_json& json) {
  return write(json, kOneLine);
}

std::string indented_json_text(const nlohmann::json& json) {
  return write(json, kIndentation) + '\n';
}

nlohmann::json parse_json(std::string_view text) {
  return read<nlohmann::json>(text);
}

nlohmann::ordered_json parse_ordered_json(std::string_view text) {
  return read<nlohmann::ordered_json>(text);
}

std::size_t line_of_json_error(std::string_view text) {
  ErrorFinder finder;
  nlohmann::json::sax_parse(text, &finder);
  const auto before = text.substr(0, finder.bytes());  // the wrong byte may be the end of the text
  return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

}  // namespace hpp
