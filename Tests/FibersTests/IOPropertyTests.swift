import Fibers
import Glibc
import TestSupport
import Testing

/// One direction between two descriptors: a known sequence of bytes, of which only counts are kept.
private final class Stream {
  let salt: Int
  /// What was written, by the word of the calls that wrote.
  var written = 0
  var read = 0
  /// Nothing more will come.
  var isEnded = false

  init(salt: Int) { self.salt = salt }

  func byte(_ index: Int) -> UInt8 {
    let mixed = (index &+ salt) &* 0x9e37_79b1
    return UInt8(truncatingIfNeeded: mixed >> 11 ^ mixed)
  }

  func next(_ count: Int) -> [UInt8] { (written..<written + count).map { byte($0) } }

  /// Whether `bytes` are those that come next.
  func took(_ bytes: ArraySlice<UInt8>) -> Bool {
    defer { read += bytes.count }
    return read + bytes.count <= written && bytes.enumerated().allSatisfy { byte(read + $0) == $1 }
  }
}

/// A pair of handles, with the streams between them.
private final class Link {
  let ends: [Held]
  /// By the end that writes it; a pipe has one.
  let streams: [Stream]
  let isPipe: Bool
  let isTCP: Bool

  init(_ ends: (Held, Held), isPipe: Bool = false, isTCP: Bool = false, salt: Int) {
    self.isTCP = isTCP
    self.ends = [ends.0, ends.1]
    self.isPipe = isPipe
    streams = [Stream(salt: salt), Stream(salt: salt &+ 77)]
  }
}

/// What a run of random fibers has to hold on to.
private final class World {
  var seed: Seed
  var links: [Link] = []
  var failures: [String] = []
  /// Fibers, and the writes of each link's ends that are under way: one writer an end.
  var workers: [Fiber<Void, Never>] = []
  var isWriting: Set<Int> = []
  var isReading: Set<Int> = []
  /// With bytes in a buffer that are not accounted for yet.
  var isReadingAll: Set<Int> = []
  var counts: [String: Int] = [:]

  init(_ seed: UInt64?) { self.seed = Seed(seed) }

  func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &seed) }
  func note(_ what: String) { counts[what, default: 0] += 1 }
}

extension World {
  func run(workers count: Int, links linkCount: Int, steps: Int) throws {
    for index in 0..<linkCount {
      switch index % 3 {
      case 0: links.append(Link(try Held.socketPair(), salt: index))
      case 1:
        links.append(
          Link(try tcpPair { (Held($0), Held($1)) }, isTCP: true, salt: index))
      default:
        let (reader, writer) = try Held.pipe()
        links.append(Link((writer, reader), isPipe: true, salt: index))
      }
    }
    for _ in 0..<count {
      workers.append(try Fiber.spawn { () throws(Never) in self.work(steps) })
    }
    for worker in workers { try Fiber.shield { try worker.join() } }
    try drain()
  }

  private func work(_ steps: Int) {
    for _ in 0..<steps {
      do {
        switch pick(100) {
        case ..<40: try maybeLimited { try self.write() }
        case ..<82: try maybeLimited { try self.read() }
        case ..<90: workers[pick(workers.count)].cancel()
        case ..<94: try Fiber.yield()
        case ..<96: try Fiber.sleep(for: .microseconds(pick(50)))
        case ..<98: try shutdown()
        case ..<99: try close()
        default: try Fiber.withTimeout(.nanoseconds(pick(3) - 1)) { try Fiber.yield() }
        }
      } catch is DeadlineExceeded {
        note("deadline")
      } catch let error as any FiberInterruption where error.interruption != nil {
        note("cancelled")
      } catch let error as IOError {
        judge(error)
      } catch {
        failures.append("\(error)")
      }
    }
    // Whoever is left waiting for this one's bytes gets its turn to give up.
    note("ended")
    for worker in workers where pick(2) == 0 { worker.cancel() }
  }

  private func judge(_ error: IOError) {
    switch error {
    case .closed, .busy: note("\(error)")
    case .system(_, let code) where [EPIPE, ECONNRESET, ENOTCONN, ENOTSOCK].contains(code):
      note("errno \(code)")
    default: failures.append("\(error)")
    }
  }

  private func maybeLimited(_ body: () throws -> Void) throws {
    // Every wait has an end: nobody might write any more.
    let limit = pick(3) == 0 ? Duration.nanoseconds(pick(20_000) - 5000) : .microseconds(500)
    try Fiber.withTimeout(limit, body)
  }

  private func write() throws {
    let (link, end) = (pick(links.count), pick(2))
    let key = link * 2 + end
    guard !(links[link].isPipe && end == 1), isWriting.insert(key).inserted else { return }
    defer { isWriting.remove(key) }
    let stream = links[link].streams[end]
    let handle = links[link].ends[end].reference
    let count = 1 + (pick(4) == 0 ? pick(100_000) : pick(3000))
    let data = stream.next(count)
    switch pick(3) {
    case 0:
      // What a reader sees meanwhile it may take: it counts as written from the start.
      let before = stream.written
      stream.written += count
      do throws(IOPartialError) {
        try handle.writeAll(data)
      } catch {
        stream.written = before + error.byteCount
        if stream.read > stream.written { failures.append("more was read than written") }
        throw error.error
      }
    case 1: stream.written += try handle.write(data)
    default:
      let cut = pick(count + 1)
      stream.written += try data.withUnsafeBytes { data in
        try handle.writev([
          UnsafeRawBufferPointer(rebasing: data[..<cut]),
          UnsafeRawBufferPointer(rebasing: data[cut...]),
        ])
      }
    }
    note("write")
  }

  private func read() throws {
    let (link, end) = (pick(links.count), pick(2))
    let key = link * 2 + end
    guard !(links[link].isPipe && end == 0) else { return }
    // Now and then a second reader: .busy, or it takes what is there.
    let isSecond = !isReading.insert(key).inserted
    if isSecond, isReadingAll.contains(key) || pick(10) != 0 { return }
    defer { if !isSecond { isReading.remove(key) } }
    let stream = links[link].streams[1 - end]
    let handle = links[link].ends[end].reference
    var buffer = [UInt8](repeating: 0, count: 1 + (pick(3) == 0 ? pick(70_000) : pick(2000)))
    let count: Int
    switch pick(3) {
    case 0 where !isSecond:
      isReadingAll.insert(key)
      defer { isReadingAll.remove(key) }
      do throws(IOPartialError) {
        count = try handle.readAll(into: &buffer)
      } catch {
        // What came before belongs to us.
        if !stream.took(buffer[..<error.byteCount]) { failures.append("wrong bytes (partial)") }
        throw error.error
      }
    case 1:
      let cut = pick(buffer.count + 1)
      count = try buffer.withUnsafeMutableBytes { buffer in
        try handle.readv(into: [
          UnsafeMutableRawBufferPointer(rebasing: buffer[..<cut]),
          UnsafeMutableRawBufferPointer(rebasing: buffer[cut...]),
        ])
      }
    default: count = try handle.read(into: &buffer)
    }
    if !stream.took(buffer[..<count]) { failures.append("wrong bytes") }
    note(count == 0 ? "end" : "read")
  }

  private func shutdown() throws {
    let (link, end) = (pick(links.count), pick(2))
    // One that writes is left alone: how far it comes is not known then.
    guard !links[link].isPipe, pick(4) == 0 else { return }
    try links[link].ends[end].reference.shutdown(.write)
    note("shutdown")
  }

  private func close() throws {
    let (link, end) = (pick(links.count), pick(2))
    guard pick(4) == 0 else { return }
    try links[link].ends[end].close()
    note("close")
  }

  /// What is still under way comes out, unless an end was closed with bytes unread.
  private func drain() throws {
    for link in links {
      for end in 0..<2 where !link.isPipe || end == 0 {
        let (writer, reader) = (link.ends[end], link.ends[1 - end])
        guard reader.reference.isOpen else { continue }
        let stream = link.streams[end]
        if writer.reference.isOpen, !link.isPipe { try? writer.reference.shutdown(.write) }
        if link.isPipe { try writer.close() }
        var buffer = [UInt8](repeating: 0, count: 50_000)
        do throws(IOError) {
          while true {
            let count = try reader.reference.read(into: &buffer)
            if count == 0 { break }
            if !stream.took(buffer[..<count]) { failures.append("wrong bytes at the end") }
          }
          // A TCP socket closed with bytes unread, or sent to it later, resets the connection: what it
          // had not sent yet is gone. Any other loss is ours.
          let back = link.streams[1 - end]
          let isReset = link.isTCP && !writer.reference.isOpen && back.read < back.written
          if stream.read != stream.written, !isReset {
            failures.append("\(stream.written - stream.read) of \(stream.written) bytes lost")
          }
        } catch {
          // A reset: the other end was closed before it had read everything.
          if error.code != ECONNRESET { throw error }
        }
      }
    }
    for link in links { for end in link.ends { try end.close() } }
  }
}

@Suite("I/O: random programs against a model of bytes")
struct IOPropertyTests {
  @Test("Nothing is lost, nothing comes twice", arguments: 0..<8)
  func random(round: Int) throws {
    for _ in 0..<max(1, 2 * stressFactor) {
      let world = World(nil)
      try inFibers { try world.run(workers: 3 + round, links: 2 + round % 4, steps: 100) }
      #expect(world.failures == [], "\(world.seed) in round \(round)")
    }
  }

  @Test("And no descriptor is left: counted in a process of its own, with the runtimes'")
  func leaks() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        // What the system and the test library open once.
        try inFibers { try World(1).run(workers: 4, links: 3, steps: 50) }
        let before = OpenDescriptors.now
        for seed in UInt64(2)..<6 {
          let world = World(seed)
          try inFibers { try world.run(workers: 6, links: 5, steps: 100) }
          precondition(world.failures.isEmpty, "\(world.failures)")
          precondition((world.counts["read"] ?? 0) > 20, "\(world.counts)")
        }
        let after = OpenDescriptors.now
        if !after.isBack(to: before) { fatalError("\(after) instead of \(before)") }
      }
    }
  }
}
