// Several copies at once, waited for together, in a loop.
//
//     swift run basic-async

import MiniAsync
import VDM

func run() throws {
  let size = 1 << 20
  let rounds = 3
  let runtime = Runtime()
  let mover = try ThreadMover()

  let sources = [size, 2 * size].map {
    UnsafeMutableRawBufferPointer.allocate(byteCount: $0, alignment: 64)
  }
  let copies = sources.map {
    UnsafeMutableRawBufferPointer.allocate(byteCount: $0.count, alignment: 64)
  }
  defer { for buffer in sources + copies { buffer.deallocate() } }
  guard let from1 = sources[0].baseAddress, let from2 = sources[1].baseAddress,
    let to1 = copies[0].baseAddress, let to2 = copies[1].baseAddress
  else { return }

  for round in 1...rounds {
    // Two fills and then two copies. The futures do nothing before they are waited for; then the
    // workers do both at once, and both are done when the wait is over.
    var fill1 = mover.memset(from1, to: UInt8(round), byteCount: size)
    var fill2 = mover.memset(from2, to: UInt8(100 + round), byteCount: 2 * size)
    runtime.waitMultiple(&fill1, &fill2)

    var copy1 = mover.memcpy(to: to1, from: from1, byteCount: size)
    var copy2 = mover.memcpy(to: to2, from: from2, byteCount: 2 * size)
    runtime.waitMultiple(&copy1, &copy2)

    for output in [fill1.output, fill2.output, copy1.output, copy2.output] {
      try output?.get()
    }
    let isRight =
      copies[0].allSatisfy { $0 == UInt8(round) }
      && copies[1].allSatisfy { $0 == UInt8(100 + round) }
    print("round \(round): \(3 * size) bytes copied,", isRight ? "all right" : "WRONG")
  }
}

try run()
