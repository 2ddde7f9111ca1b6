import CBenchmarks
import Glibc

// One command measures everything beside its peers: see Options.usage.

var arguments = Array(CommandLine.arguments.dropFirst())
if arguments.first == "measure" { exit(measureOnce(Array(arguments.dropFirst()))) }
do throws(OptionsError) {
  exit(drive(try Options(arguments)))
} catch {
  complain("Benchmarks: \(error)\n\(Options.usage)")
  exit(2)
}
