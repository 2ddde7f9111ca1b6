import Glibc
import TestSupport
import Testing
import VDM

@Suite("Native flushes and the choice of instructions") struct NativeFlushTests {
  @Test("A flush changes nothing, at any offset and length", arguments: FlushInstruction.supported)
  func flushKeepsValues(instruction: FlushInstruction) {
    let memory = NativeMemory(store: nil, flush: instruction)
    let run = NativeDifferential(memory, .durable, byteCount: 512)
    for offset in 0..<64 {
      for n in 0...256 { run.flush(n, at: 128 + offset) }
    }
    memory.drain()
    run.compareAll()
    #expect(run.failureCount == 0, "\(run.firstFailure)")
  }

  #if arch(x86_64)
    /// A flush of a line faults where the line is not mapped, so the faults show its reach.
    @Test("A flush touches the line of its last byte and none beyond")
    func flushReach() async throws {
      let page = 4096
      for instruction in FlushInstruction.supported {
        // One byte into the forbidden page, in the last line only: the end is rounded up.
        await #expect(processExitsWith: .failure) { [instruction = "\(instruction)"] in
          let found = FlushInstruction.supported.first { "\($0)" == instruction }
          let region = mmap(nil, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
          guard let found, let region, region != MAP_FAILED else { return }
          guard mprotect(region, 4096, PROT_READ | PROT_WRITE) == 0 else { return }
          NativeMemory(store: nil, flush: found).flush(region + 4033, byteCount: 64)
        }
        // Up to the last byte of the page: nothing beyond is touched.
        let region = try #require(
          mmap(nil, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(region, 2 * page) }
        try #require(mprotect(region, page, PROT_READ | PROT_WRITE) == 0)
        let memory = NativeMemory(store: nil, flush: instruction)
        for n in 0...256 { memory.flush(region + (page - n), byteCount: n) }
        memory.drain()
      }
    }

    @Test("Every x86-64 CPU honours both flags")
    func everyCPU() {
      #expect(NativeMemory.best.supportedFlags == [.durable, .noCacheHint])
      #expect(FlushInstruction.clflush.isSupported)
      #expect(StreamingStore.sse2.isSupported)
      #expect(!FlushInstruction.cvap.isSupported)
      #expect(!StreamingStore.stnp.isSupported)
    }
  #endif

  @Test("What the CPU is said to have, the kernel reports too")
  func featuresAgreeWithKernel() throws {
    let file = try #require(fopen("/proc/cpuinfo", "r"))
    defer { fclose(file) }
    var words: Set<Substring> = []
    var line = [CChar](repeating: 0, count: 1 << 14)
    while fgets(&line, CInt(line.count), file) != nil {
      let text = String(
        decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      guard text.hasPrefix("flags") || text.hasPrefix("Features") else { continue }
      words = Set(text.dropLast().split(whereSeparator: { $0 == " " || $0 == "\t" }).map { $0 })
      break
    }
    let known: [(CPUFeatures, Substring)] = [
      (.clflush, "clflush"), (.clflushopt, "clflushopt"), (.clwb, "clwb"), (.avx, "avx"),
      (.avx512, "avx512f"), (.fastStringMoves, "erms"), (.cvap, "dcpop"),
    ]
    for (feature, name) in known {
      #expect(CPUFeatures.current.contains(feature) == words.contains(name), "\(name)")
    }
  }

  @Test("Flags are what the instructions can honour")
  func flagsFollowInstructions() {
    #expect(NativeMemory(store: nil, flush: nil).supportedFlags == [])
    for store in StreamingStore.supported {
      #expect(NativeMemory(store: store, flush: nil).supportedFlags == .noCacheHint)
    }
    for flush in FlushInstruction.supported {
      #expect(NativeMemory(store: nil, flush: flush).supportedFlags == .durable)
    }
  }

  @Test("A flag that cannot be honoured is refused, not ignored")
  func unsupportedFlag() async {
    await #expect(processExitsWith: .failure) {
      let bytes = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 64)
      bytes.initializeMemory(as: UInt8.self, repeating: 0, count: 128)
      let plain = NativeMemory(store: nil, flush: nil)
      plain.copy(to: bytes, from: bytes + 64, byteCount: 64, flags: .durable)
    }
  }
}
