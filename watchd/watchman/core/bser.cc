#include "watchd/watchman/core/bser.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

namespace hpp::watchd::watchman::bser {
namespace {

using Json = nlohmann::json;

// Watchman's answers are nested three levels deep. The limit keeps a hostile answer from exhausting
// the stack.
constexpr int kDepthMax = 32;

constexpr std::string_view kMagic("\x00\x01", 2);

// The tags of version 1, and the string of version 2.
enum Tag : unsigned char {
  kArray = 0x00,
  kObject = 0x01,
  kString = 0x02,
  kInt8 = 0x03,
  kInt16 = 0x04,
  kInt32 = 0x05,
  kInt64 = 0x06,
  kReal = 0x07,
  kTrue = 0x08,
  kFalse = 0x09,
  kNull = 0x0a,
  kTemplate = 0x0b,  // an array of objects whose keys are listed once
  kAbsent = 0x0c,    // in a template: this object lacks the key
  kUtf8 = 0x0d,
};

class Writer {
 public:
  void value(const Json& json) {
    if (json.is_array()) {
      tag(kArray);
      integer(static_cast<std::int64_t>(json.size()));
      for (const Json& item : json) value(item);
    } else if (json.is_object()) {
      tag(kObject);
      integer(static_cast<std::int64_t>(json.size()));
      for (const auto& [key, item] : json.items()) {
        string(key);
        value(item);
      }
    } else if (json.is_string()) {
      string(json.get_ref<const std::string&>());
    } else if (json.is_boolean()) {
      tag(json.get<bool>() ? kTrue : kFalse);
    } else if (json.is_number_integer()) {
      integer(json.get<std::int64_t>());
    } else if (json.is_number_float()) {
      tag(kReal);
      raw(json.get<double>());
    } else {
      tag(kNull);
    }
  }

  void integer(std::int64_t number) {
    if (number >= INT8_MIN && number <= INT8_MAX) {
      tag(kInt8);
      raw(static_cast<std::int8_t>(number));
    } else if (number >= INT16_MIN && number <= INT16_MAX) {
      tag(kInt16);
      raw(static_cast<std::int16_t>(number));
    } else if (number >= INT32_MIN && number <= INT32_MAX) {
      tag(kInt32);
      raw(static_cast<std::int32_t>(number));
    } else {
      tag(kInt64);
      raw(number);
    }
  }

  std::string bytes;

 private:
  void tag(Tag tag) { bytes.push_back(static_cast<char>(tag)); }

  // Numbers are in the machine's byte order, because both ends run on the same machine.
  template <class Number>
  void raw(Number number) {
    char image[sizeof number];
    std::memcpy(image, &number, sizeof number);
    bytes.append(image, sizeof number);
  }

  void string(const std::string& text) {
    tag(kString);
    integer(static_cast<std::int64_t>(text.size()));
    bytes += text;
  }
};

// Each member returns false if the bytes end too early or are malformed.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  bool at_end() const { return left_.empty(); }

  bool value(Json& json, int depth = 0) {
    unsigned char tag = 0;
    return raw(tag) && value_of(tag, json, depth);
  }

  bool integer(std::int64_t& number) {
    unsigned char tag = 0;
    return raw(tag) && integer_of(tag, number);
  }

 private:
  template <class Number>
  bool raw(Number& number) {
    if (left_.size() < sizeof number) return false;
    std::memcpy(&number, left_.data(), sizeof number);
    left_.remove_prefix(sizeof number);
    return true;
  }

  template <class Number>
  bool widened(std::int64_t& number) {
    Number narrow = 0;
    if (!raw(narrow)) return false;
    number = narrow;  // NOLINT(bugprone-signed-char-misuse): a number of one byte has a sign
    return true;
  }

  bool integer_of(unsigned char tag, std::int64_t& number) {
    switch (tag) {
      case kInt8:
        return widened<std::int8_t>(number);
      case kInt16:
        return widened<std::int16_t>(number);
      case kInt32:
        return widened<std::int32_t>(number);
      case kInt64:
        return widened<std::int64_t>(number);
    }
    return false;
  }

  // Reads the number of items or bytes that follow. Each takes at least one byte, so a count that
  // exceeds the remaining bytes is wrong. It is rejected before it could make us allocate memory.
  bool count(std::size_t& size) {
    std::int64_t number = 0;
    if (!integer(number) || number < 0) return false;
    size = static_cast<std::size_t>(number);
    return size <= left_.size();
  }

  bool string(std::string& text) {
    std::size_t size = 0;
    if (!count(size)) return false;
    text = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }

  bool key(std::string& text) {
    unsigned char tag = 0;
    return raw(tag) && (tag == kString || tag == kUtf8) && string(text);
  }

  bool array(Json& json, int depth) {
    std::size_t size = 0;
    if (!count(size)) return false;
    json = Json::array();
    for (; size > 0; --size) {
      if (!value(json.emplace_back(), depth + 1)) return false;
    }
    return true;
  }

  bool object(Json& json, int depth) {
    std::size_t size = 0;
    if (!count(size)) return false;
    json = Json::object();
    for (std::string name; size > 0; --size) {
      if (!key(name) || !value(json[name], depth + 1)) return false;
    }
    return true;
  }

  bool table(Json& json, int depth) {
    unsigned char tag = 0;
    std::size_t size = 0;
    if (!raw(tag) || tag != kArray || !count(size)) return false;
    std::vector<std::string> names(size);
    for (auto& name : names) {
      if (!key(name)) return false;
    }
    // An object without keys takes no bytes, so count() could not reject a count that is too large.
    if (!count(size) || names.empty()) return false;
    json = Json::array();
    for (; size > 0; --size) {
      if (!row(names, json.emplace_back(Json::object()), depth)) return false;
    }
    return true;
  }

  bool row(const std::vector<std::string>& names, Json& json, int depth) {
    for (const auto& name : names) {
      unsigned char tag = 0;
      if (!raw(tag)) return false;
      if (tag != kAbsent && !value_of(tag, json[name], depth + 1)) return false;
    }
    return true;
  }

  bool value_of(unsigned char tag, Json& json, int depth) {
    if (depth > kDepthMax) return false;
    switch (tag) {
      case kArray:
        return array(json, depth);
      case kObject:
        return object(json, depth);
      case kTemplate:
        return table(json, depth);
      case kString:
      case kUtf8: {
        json = std::string();
        return string(json.get_ref<std::string&>());
      }
      case kReal: {
        double number = 0;
        if (!raw(number)) return false;
        json = number;
        return true;
      }
      case kTrue:
      case kFalse:
        json = tag == kTrue;
        return true;
      case kNull:
        json = nullptr;
        return true;
    }
    std::int64_t number = 0;
    if (!integer_of(tag, number)) return false;
    json = number;
    return true;
  }

  std::string_view left_;
};

std::size_t integer_size(unsigned char tag) {
  switch (tag) {
    case kInt8:
      return 1;
    case kInt16:
      return 2;
    case kInt32:
      return 4;
    case kInt64:
      return 8;
  }
  return 0;
}

}  // namespace

Frame frame(std::string_view bytes) {
  const std::string_view magic = bytes.substr(0, kMagic.size());
  if (!kMagic.starts_with(magic)) return {.is = Frame::Is::Broken};
  if (bytes.size() <= kMagic.size()) return {.is = Frame::Is::Incomplete};
  const std::size_t width = integer_size(static_cast<unsigned char>(bytes[kMagic.size()]));
  const std::size_t header = kMagic.size() + 1 + width;
  if (width == 0) return {.is = Frame::Is::Broken};
  if (bytes.size() < header) return {.is = Frame::Is::Incomplete};
  std::int64_t body = 0;
  Reader(bytes.substr(kMagic.size())).integer(body);
  if (body <= 0 || body > std::numeric_limits<std::int64_t>::max() / 2) {
    return {.is = Frame::Is::Broken};
  }
  return {.is = Frame::Is::Sized, .size = header + static_cast<std::size_t>(body)};
}

std::string encode(const Json& value) {
  Writer body;
  body.value(value);
  Writer head;
  head.bytes = kMagic;
  head.integer(static_cast<std::int64_t>(body.bytes.size()));
  return head.bytes + body.bytes;
}

std::optional<Json> decode(std::string_view pdu) {
  const Frame whole = frame(pdu);
  if (whole.is != Frame::Is::Sized || whole.size != pdu.size()) return std::nullopt;
  Reader reader(pdu.substr(kMagic.size()));
  std::int64_t size = 0;
  Json json;
  if (!reader.integer(size) || !reader.value(json) || !reader.at_end()) return std::nullopt;
  return std::make_optional(std::move(json));  // Json would convert itself to an optional, too
}

}  // namespace hpp::watchd::watchman::bser
