import Glibc

/// The time of day, and what of the answers changes with it once a second.
struct ServerClock {
  /// Seconds since 1970, as of the last look.
  private(set) var second = Int.min
  /// `Date: ...`, with the end of the line.
  private(set) var dateLine: [UInt8] = []
  /// The whole answer to `GET /` where no folder is served.
  private(set) var page: [UInt8] = []
  /// How much of it is its head.
  private(set) var pageHeadByteCount = 0

  static let pageText: StaticString = "Hello, world\n"

  init() { look() }

  /// Looks at the time.
  mutating func look() { change(to: Self.currentSecond()) }

  /// The time now: a few nanoseconds, as the kernel's last tick is near enough.
  @inline(__always)
  static func currentSecond() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME_COARSE, &time)
    return time.tv_sec
  }

  @inline(never)
  mutating func change(to second: Int) {
    self.second = second
    dateLine = Array("Date: ".utf8) + HTTPDate.format(second) + Array("\r\n".utf8)
    let text = Self.pageText.description
    let head =
      "Content-Type: text/plain; charset=utf-8\r\nContent-Length: \(text.utf8.count)\r\n\r\n"
    page = Array("HTTP/1.1 200 OK\r\n".utf8) + dateLine + Array(head.utf8)
    pageHeadByteCount = page.count
    page += Array(text.utf8)
  }
}
