// Two fibers and a pipe: reading waits for the other fiber, not for the thread.
import Fibers

func talk() throws {
  let pipe = try IOHandle.pipe()
  try pipe.split { reader, writer in
    try Fiber.spawn(consuming: writer, name: "writer") { writer in
      for word in ["one", "two", "three"] {
        print("writer: \(word)")
        try writer.writeAll(Array(word.utf8))
        try Fiber.sleep(for: .milliseconds(10))
      }
      print("writer: closes")
    }
    try Fiber.spawn(consuming: reader, name: "reader") { reader in
      var bytes = [UInt8](repeating: 0, count: 64)
      while true {
        let count = try reader.read(into: &bytes)
        if count == 0 { break }
        print("reader: \(String(decoding: bytes[..<count], as: UTF8.self))")
      }
      print("reader: the end")
    }
  }
  try Fiber.run()
}

try talk()
