import Glibc
import TestSupport
import Testing
import VDM

@Suite("Native memory operations, against libc") struct NativeMemoryTests {
  // SIZES: the sweeps keep one buffer per variant. Line offsets are all there are: the routines
  // look at addresses modulo 64 and at nothing else (4096 is left to the random test).

  @Test("Copies equal memcpy at every line offset and length to 256", arguments: NativeVariant.all)
  func copies(variant: NativeVariant) {
    let run = NativeDifferential(variant.memory, variant.flags, byteCount: 1024)
    for offset in 0..<64 {
      for n in 0...256 {
        run.move(n, from: 640 + (offset &* 5 &+ n) % 64, to: 128 + offset, copy: true)
      }
    }
    variant.memory.drain()
    run.compareAll()
    #expect(run.failureCount == 0, "\(run.firstFailure)")
  }

  @Test("Moves equal memmove at every distance to 256, both ways", arguments: NativeVariant.all)
  func moves(variant: NativeVariant) {
    let run = NativeDifferential(variant.memory, variant.flags, byteCount: 1024)
    // Every distance with every length; the line offset goes round. All offsets of each pair:
    // MINIASYNC_STRESS=64.
    var turn = 0
    for distance in -256...256 {
      for n in 0...256 {
        for _ in 0..<min(stressFactor, 64) {
          turn &+= 1
          let destination = 384 + turn & 63
          run.move(n, from: destination - distance, to: destination)
        }
      }
      turn &+= 7
    }
    variant.memory.drain()
    run.compareAll()
    #expect(run.failureCount == 0, "\(run.firstFailure)")
  }

  @Test("Fills equal memset at every line offset and length to 256", arguments: NativeVariant.all)
  func fills(variant: NativeVariant) {
    let run = NativeDifferential(variant.memory, variant.flags, byteCount: 512)
    for offset in 0..<64 {
      for n in 0...256 {
        run.set(n, at: 128 + offset, to: UInt8(truncatingIfNeeded: n &* 31 &+ offset | 0x81))
      }
    }
    variant.memory.drain()
    run.compareAll()
    #expect(run.failureCount == 0, "\(run.firstFailure)")
  }

  @Test("Large operations at random places equal libc's", arguments: NativeVariant.all)
  func large(variant: NativeVariant) {
    var seed = Seed()
    let size = 1 << 18
    let run = NativeDifferential(variant.memory, variant.flags, byteCount: size)
    for _ in 0..<40 * stressFactor {
      let n = Int.random(in: 0...size / 2, using: &seed)
      let destination = Int.random(in: 0...size - n, using: &seed)
      let source = Int.random(in: 0...size - n, using: &seed)
      // Near and far overlaps alike.
      let near = min(max(0, destination + Int.random(in: -200...200, using: &seed)), size - n)
      run.move(n, from: source, to: destination)
      run.move(n, from: near, to: destination)
      run.set(n, at: destination, to: UInt8.random(in: 0...255, using: &seed))
      let half = n / 2
      run.move(half, from: size / 2, to: min(destination, size / 2 - half), copy: true)
    }
    variant.memory.drain()
    run.compareAll()
    #expect(run.failureCount == 0, "\(run.firstFailure), \(seed)")
  }

  @Test("A zero-length operation looks at no address", arguments: NativeVariant.all)
  func zeroLength(variant: NativeVariant) throws {
    let memory = variant.memory
    let nowhere = try #require(UnsafeMutableRawPointer(bitPattern: 0x13))
    memory.copy(to: nowhere, from: nowhere + 99, byteCount: 0, flags: variant.flags)
    memory.move(to: nowhere, from: nowhere + 1, byteCount: 0, flags: variant.flags)
    memory.set(nowhere, to: 7, byteCount: 0, flags: variant.flags)
    if memory.supportedFlags.contains(.durable) { memory.flush(nowhere, byteCount: 0) }
    memory.drain()
  }

  @Test("Operations stay inside their page when the next one cannot be touched")
  func pageEnds() throws {
    let page = 4096
    let region = try #require(
      mmap(nil, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
    defer { munmap(region, 3 * page) }
    try #require(mprotect(region + page, page, PROT_READ | PROT_WRITE) == 0)
    let start = region + page
    // A read, store or flush past either end is a segmentation fault.
    for variant in NativeVariant.all {
      for n in 0...256 {
        let tail = start + page - n
        variant.memory.move(to: start, from: tail, byteCount: n, flags: variant.flags)
        variant.memory.move(to: tail, from: start, byteCount: n, flags: variant.flags)
        variant.memory.set(tail, to: 1, byteCount: n, flags: variant.flags)
        guard variant.memory.supportedFlags.contains(.durable) else { continue }
        variant.memory.flush(tail, byteCount: n)
      }
    }
    NativeMemory.best.drain()
  }
}
