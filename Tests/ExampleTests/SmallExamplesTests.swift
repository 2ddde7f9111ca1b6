import TestSupport
import Testing

/// The small examples, run as a user does.
@Suite struct SmallExamplesTests {
  @Test func `basic copies, fills, prints and chains`() throws {
    let result = try runProcess(builtProduct("basic"), [])
    #expect(result.end == .exit(0))
    #expect(
      result.output == """
        copied: Hello, futures!
        filled: ---------------
        print: Hello, futures!
        chain: 15 bytes

        """)
  }

  @Test func `basic-async copies three rounds`() throws {
    let result = try runProcess(builtProduct("basic-async"), [])
    #expect(result.end == .exit(0))
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 3 && lines.allSatisfy { $0.hasSuffix("all right") })
  }

  @Test func `async-await awaits copies and waits for async operations`() throws {
    let result = try runProcess(builtProduct("async-await"), [])
    #expect(result.end == .exit(0))
    #expect(
      result.output == """
        awaited: Hello, await!
        tasks: task 0, task 1, task 2, task 3
        async operations as futures: 5050 and 55

        """)
  }

  @Test func `hashmap puts, gets and removes, and says what cannot be done`() throws {
    let result = try runProcess(builtProduct("hashmap"), [])
    #expect(result.end == .exit(0))
    // The first four are put at once and complete in any order.
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(
      Set(lines.prefix(4)) == [
        "put 1: 3 bytes", "put 2: 3 bytes", "put 3: 4 bytes", "put 4: 4 bytes",
      ])
    #expect(
      lines.dropFirst(4).elementsEqual([
        "get 1: foo", "get 2: bar", "get 3: fizz", "get 4: buzz",
        "put 5 one too many: the map is full", "put 1 again: the key is in the map already",
        "remove 2: 3 bytes", "remove 2: there is no such key", "get 2: there is no such key",
        "put 5 in the place of 2: 17 bytes", "get 5: in the place of 2",
        "put 0 no key: the key is not valid",
      ]))
  }
}
