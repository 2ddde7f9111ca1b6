import Glibc
import MiniAsync
import Testing
import VDM

@Suite struct MoverSmokeTests {
  @Test func `movers copy`() throws {
    let threads = try ThreadMover(configuration: .init(threads: 2))
    let runtime = Runtime()
    func run<M: DataMover>(_ m: M) throws {
      for n in [0, 1, 63, 4096, 1 << 20, 5 << 20] {
        var a = [UInt8](repeating: 7, count: n)
        var b = [UInt8](repeating: 0, count: n)
        try a.withUnsafeMutableBytes { a in
          try b.withUnsafeMutableBytes { b in
            guard let p = a.baseAddress, let q = b.baseAddress else { return }
            for flags: OperationFlags in [[], .durable, .noCacheHint] {
              memset(q, 0, n)
              var f = m.memcpy(to: q, from: p, byteCount: n, flags: flags)
              try runtime.wait(&f).get()
              #expect(memcmp(p, q, n) == 0)
            }
          }
        }
      }
    }
    try run(SynchronousMover())
    try run(threads)
    var buf = [UInt8](repeating: 0, count: 4096)
    buf.withUnsafeMutableBytes { b in
      for _ in 0..<100 {
        var g = FutureGroup<OperationFuture<ThreadMover>>()
        for i in 0..<1000 {
          g.add(threads.memset(b.baseAddress! + i % 4096, to: 1, byteCount: 1))
        }
        while let d = runtime.next(&g) { #expect(d.output.isSuccess) }
      }
    }
    #expect(threads.slotsInUse == 0)
    print(runtime.statistics)
  }
}
