import TestSupport
import Testing
import http_server

/// What the parser says must not depend on how its input came, and no input may break it.
@Suite struct ParserPropertyTests {
  /// All examples, and some of them one after the other.
  private static let inputs: [[UInt8]] =
    (Example.good + Example.bad).map { Array($0.input.utf8) }
    + [Array((Example.good[0].input + Example.good[15].input + Example.bad[30].input).utf8)]

  @Test func `every way to cut the input in two gives the same`() {
    for input in Self.inputs {
      let whole = read(input)
      for cut in 0...input.count {
        let cutOnce = read(input, cutAt: [cut])
        #expect(cutOnce == whole, "cut at \(cut): \(String(decoding: input, as: UTF8.self))")
      }
    }
  }

  @Test func `byte by byte gives the same`() {
    for input in Self.inputs {
      #expect(read(input, cutAt: Array(0...input.count)) == read(input))
    }
  }

  @Test func `near the limits, cuts make no difference`() {
    var limits = RequestLimits()
    limits.lineByteCount = 24
    limits.fieldsByteCount = 60
    limits.fieldCount = 3
    limits.bodyByteCount = 24
    for input in Self.inputs {
      let whole = read(input, limits: limits)
      for cut in 0...input.count {
        #expect(read(input, cutAt: [cut], limits: limits) == whole)
      }
      #expect(read(input, cutAt: Array(0...input.count), limits: limits) == whole)
    }
  }

  /// Fixed in the suite; `MINIASYNC_STRESS=1000` tries a thousand times as many.
  @Test(arguments: [0x51f2, 7, 42, 1_000_003] as [UInt64])
  func `mutated requests neither crash nor depend on cuts`(seed: UInt64) {
    var random = Seed(seed)
    for _ in 0..<(isDebugBuild ? 1500 : 10_000) * stressFactor {
      let input = mutated(&random)
      let cuts = (0..<Int.random(in: 0...4, using: &random)).map { _ in
        Int.random(in: 0...input.count, using: &random)
      }.sorted()
      var limits = RequestLimits()
      if Bool.random(using: &random) {
        limits.lineByteCount = Int.random(in: 2...64, using: &random)
        limits.fieldsByteCount = Int.random(in: 2...128, using: &random)
        limits.fieldCount = Int.random(in: 1...4, using: &random)
        limits.bodyByteCount = Int.random(in: 0...32, using: &random)
      }
      let whole = read(input, limits: limits)
      let inPieces = read(input, cutAt: cuts, limits: limits)
      #expect(
        inPieces == whole,
        "\(random), cut at \(cuts): \(String(reflecting: String(decoding: input, as: UTF8.self)))")
      // What was read can be turned into a path, whatever it is.
      for request in whole.requests { checkPath(RequestPath.resolve(request.target)) }
    }
  }

  private func mutated(_ random: inout Seed) -> [UInt8] {
    var input: [UInt8] = []
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      input += Self.inputs.randomElement(using: &random) ?? []
    }
    for _ in 0..<Int.random(in: 0...6, using: &random) where !input.isEmpty {
      let place = Int.random(in: 0..<input.count, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: input[place] = .random(in: .min ... .max, using: &random)
      case 1: input[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: input.remove(at: place)
      case 3:
        input.insert(
          Array("\r\n :;,/%.0\0\u{7f}".utf8).randomElement(using: &random) ?? 0, at: place)
      case 4: input.removeSubrange(place..<min(input.count, place + 8))
      default:
        let piece = input[place..<min(input.count, place + 16)]
        input.insert(contentsOf: piece, at: Int.random(in: 0...input.count, using: &random))
      }
    }
    return input
  }
}

/// That a path cannot lead out of its folder.
func checkPath(_ path: RequestPath) {
  guard case .file(let name) = path else { return }
  let components = name.split(separator: "/", omittingEmptySubsequences: false)
  #expect(!components.contains("..") && !components.contains("."))
  #expect(!name.hasPrefix("/"))
  #expect(!name.utf8.contains { $0 < 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "\\") })
}
