// A hash map whose put, get and remove are chains of futures.
//
//     swift run hashmap

import MiniAsync
import VDM

func run() throws {
  let map = HashMap(capacity: 4)
  let runtime = Runtime()
  let mover = try ThreadMover()

  func put(_ key: UInt64, _ text: String) {
    let bytes = Array(text.utf8)
    bytes.withUnsafeBytes {
      var future = map.put(key, $0, by: mover)
      print("put \(key) \(text):", describe(runtime.wait(&future)))
    }
  }
  func get(_ key: UInt64) {
    var buffer = [UInt8](repeating: 0, count: 64)
    buffer.withUnsafeMutableBytes {
      var future = map.get(key, into: $0, by: mover)
      let outcome = runtime.wait(&future)
      if case .success(let count) = outcome {
        print("get \(key):", String(decoding: $0.prefix(count), as: UTF8.self))
      } else {
        print("get \(key):", describe(outcome))
      }
    }
  }
  func remove(_ key: UInt64) {
    var future = map.remove(key, by: mover)
    print("remove \(key):", describe(runtime.wait(&future)))
  }

  // Four puts at once: the copies overlap.
  let texts = ["foo", "bar", "fizz", "buzz"].map { text in
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
    bytes.copyBytes(from: Array(text.utf8))
    return bytes
  }
  defer { for text in texts { text.deallocate() } }
  var puts = FutureGroup<AnyFuture<HashMap.Outcome>>()
  for (index, text) in texts.enumerated() {
    puts.add(AnyFuture(map.put(UInt64(index + 1), UnsafeRawBufferPointer(text), by: mover)))
  }
  while let done = runtime.next(&puts) { print("put \(done.id + 1):", describe(done.output)) }

  for key in 1...4 { get(UInt64(key)) }
  put(5, "one too many")
  put(1, "again")
  remove(2)
  remove(2)
  get(2)
  put(5, "in the place of 2")
  get(5)
  put(0, "no key")
}

func describe(_ outcome: HashMap.Outcome) -> String {
  switch outcome {
  case .success(let count): "\(count) bytes"
  case .failure(.invalidKey): "the key is not valid"
  case .failure(.capacityExceeded): "the map is full"
  case .failure(.duplicateKey): "the key is in the map already"
  case .failure(.notFound): "there is no such key"
  case .failure(.notCopied): "the value could not be copied"
  }
}

try run()
