// The text of events and effects, for expectations and for the report of a failed one:
// `StartTimer 500 ms`. After the type's name come the values of the members. A flag, text or list
// that has its initial value is left out.
//
// A namespace whose effects a test compares has `using test::PrintTo;`, so that GoogleTest finds
// the printer. An overload of text_of() in a type's own namespace replaces the text.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace hpp::test {

template <class T>
concept Aggregate = std::is_aggregate_v<T>;

template <class T>
concept Scalar = !std::is_class_v<T>;

// ---- members of an aggregate --------------------------------------------------------------------

struct AnyMember {
  template <class T>
  operator T() const;
};

// Number of members of an aggregate.
template <class T, class... Found>
constexpr std::size_t member_count() {
  if constexpr (requires { T{Found{}..., AnyMember{}}; }) {
    return member_count<T, Found..., AnyMember>();
  } else {
    return sizeof...(Found);
  }
}

// References to the members, of which there may be four.
template <class T>
auto members_of(const T& value) {
  constexpr std::size_t kCount = member_count<T>();
  static_assert(kCount <= 4, "an overload of text_of() is necessary for this type");
  if constexpr (kCount == 0) {
    return std::tuple<>();
  } else if constexpr (kCount == 1) {
    const auto& [a] = value;
    return std::tie(a);
  } else if constexpr (kCount == 2) {
    const auto& [a, b] = value;
    return std::tie(a, b);
  } else if constexpr (kCount == 3) {
    const auto& [a, b, c] = value;
    return std::tie(a, b, c);
  } else {
    const auto& [a, b, c, d] = value;
    return std::tie(a, b, c, d);
  }
}

// `StartTimer`: the type's name without namespaces.
template <class T>
std::string_view type_name() {
  std::string_view name = __PRETTY_FUNCTION__;
  name.remove_prefix(name.find("T = ") + 4);
  name = name.substr(0, name.find_first_of(";]"));
  return name.substr(name.rfind(':') + 1);
}

// The name of the alternative that the variant holds.
template <class... E>
std::string name_of(const std::variant<E...>& value) {
  return std::visit([]<class T>(const T&) { return std::string(type_name<T>()); }, value);
}

// ---- texts --------------------------------------------------------------------------------------

template <Scalar T>
std::string text_of(const T& value) {
  if constexpr (requires { to_string(value); }) {
    return std::string(to_string(value));
  } else if constexpr (std::is_enum_v<T>) {
    return fmt::format("#{}", static_cast<int>(value));
  } else {
    return fmt::format("{}", value);
  }
}

inline std::string text_of(const std::string& text) {
  return text;
}

inline std::string text_of(std::chrono::milliseconds time) {
  return fmt::format("{} ms", time.count());
}

template <class T>
std::string text_of(const std::optional<T>& value);

template <class T>
std::string text_of(const std::vector<T>& values);

template <Aggregate T>
std::string text_of(const T& value) {
  std::string text(type_name<T>());
  const auto add = [&]<class Member>(const Member& member, const Member& initial) {
    constexpr bool kIsFlag = std::is_same_v<Member, bool>;
    constexpr bool kIsNumber = std::is_enum_v<Member> || (std::is_arithmetic_v<Member> && !kIsFlag);
    if (kIsNumber || member != initial) text += ' ' + text_of(member);
  };
  const T initial{};
  const auto members = members_of(value);
  const auto initials = members_of(initial);
  const auto add_all = [&]<std::size_t... I>(std::index_sequence<I...>) {
    (add(std::get<I>(members), std::get<I>(initials)), ...);
  };
  add_all(std::make_index_sequence<member_count<T>()>());
  return text;
}

template <class T>
std::string text_of(const std::optional<T>& value) {
  return value ? text_of(*value) : "none";
}

template <class T>
std::string text_of(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : ", ") + text_of(value);
  return '[' + text + ']';
}

template <class Effect>
std::vector<std::string> texts_of(const std::vector<Effect>& effects) {
  std::vector<std::string> texts;
  for (const Effect& effect : effects) {
    texts.push_back(std::visit([](const auto& one) { return text_of(one); }, effect));
  }
  return texts;
}

template <Aggregate T>
void PrintTo(const T& value, std::ostream* out) {
  *out << text_of(value);
}

}  // namespace hpp::test
