import CBenchmarks
import Glibc

/// Tells how much other programs, and the host of a virtual machine, used the processors meanwhile.
struct Disturbance {
  private let start = bench_now()
  private let busy = Self.busySeconds()
  private let own = Self.ownSeconds()

  /// The share of one processor that others had since this was made.
  ///
  /// The system counts in hundredths of a second: what is shorter than some of them is not known.
  var share: Double {
    let seconds = Double(bench_now() - start) / 1e9
    let others = (Self.busySeconds() - busy) - (Self.ownSeconds() - own)
    return max(0, others - 0.02) / seconds
  }

  /// More than that, and a round is measured again.
  static let limit = 0.1

  /// Of all processors, what the host took included.
  private static func busySeconds() -> Double {
    guard let text = try? readFile("/proc/stat"), let line = text.split(separator: "\n").first
    else { return 0 }
    // user nice system idle iowait irq softirq steal
    let counts = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
    guard counts.count == 8 else { return 0 }
    return (counts.reduce(0, +) - counts[3] - counts[4]) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// Of this program and of those it ran that have ended.
  private static func ownSeconds() -> Double {
    [RUSAGE_SELF, RUSAGE_CHILDREN].reduce(0) { sum, who in
      var usage = rusage()
      getrusage(who.rawValue, &usage)
      return sum + seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
  }

  private static func seconds(_ time: timeval) -> Double {
    Double(time.tv_sec) + Double(time.tv_usec) / 1e6
  }
}
