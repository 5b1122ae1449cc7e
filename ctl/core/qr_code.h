// Pure. Makes QR codes (ISO/IEC 18004) for URLs, and draws them with characters.
//
// Only what a URL needs: bytes, the lowest level of error correction, and the versions 1 to 5,
// which have a single block of error correction. libqrencode could do it, but Debian has no static
// library of it for the portable hpp (tools/package --portable).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpp::ctl {

constexpr std::size_t kQrTextMax = 106;  // bytes

// A square of modules; true is dark. The light border is not part of it.
using QrCode = std::vector<std::vector<bool>>;

// Returns nothing if the text has more than kQrTextMax bytes.
std::optional<QrCode> qr_code(std::string_view text);

// Draws two rows of modules in each line, with a light border. Light modules are full blocks, so
// that the code can be read on a dark terminal. `has_colours`: sets white on black, so that it can
// be read on every terminal.
std::string draw(const QrCode& code, bool has_colours);

}  // namespace hpp::ctl
