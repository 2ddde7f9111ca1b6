import MiniAsync
import VDM

let moverPaths = [
  HotPath("mover-memcpy-64") { copyRepeatedly($0, flags: []) },
  HotPath("mover-durable-memcpy-64") { copyRepeatedly($0, flags: .durable) },
]

private func copyRepeatedly(_ count: Int, flags: OperationFlags) {
  let mover = SynchronousMover()
  let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 64)
  defer { memory.deallocate() }
  memory.initializeMemory(as: UInt8.self, repeating: 1, count: 128)
  for _ in 0..<count {
    var copy = mover.memcpy(to: memory + 64, from: memory, byteCount: 64, flags: flags)
    _ = copy.poll()
  }
}
