// The command doctor.
#include <cstdio>
#include <string>
#include <vector>

#include "ctl/commands.h"
#include "ctl/core/doctor.h"
#include "ctl/core/failure.h"
#include "ctl/doctor_facts.h"
#include "ctl/leftovers.h"
#include "ctl/print.h"

namespace hpp::ctl {

int doctor(const CtlOptions& options) {
  std::vector<std::string> fixed;
  if (options.fix) fixed = remove_leftovers(options);
  const std::vector<Finding> findings = diagnose(gather_facts(options));
  if (options.json) {
    print_json(doctor_json(findings, fixed));
  } else {
    std::string text;
    for (const std::string& line : fixed) text += line + '\n';
    print_text(stdout, text + doctor_text(findings));
  }
  return static_cast<int>(has_problem(findings) ? CommandStatus::Failed : CommandStatus::Done);
}

}  // namespace hpp::ctl
