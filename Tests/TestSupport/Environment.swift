import Glibc

/// The value of an environment variable as a number, if it is set and is one.
public func environmentNumber(_ name: String) -> UInt64? {
  guard let text = getenv(name) else { return nil }
  return UInt64(String(cString: text))
}

/// How much longer stress tests run: `MINIASYNC_STRESS=10` makes them ten times as long.
public let stressFactor = Int(environmentNumber("MINIASYNC_STRESS") ?? 1)
