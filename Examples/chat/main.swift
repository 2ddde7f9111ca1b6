// Rooms where many clients talk: a fiber for each room, two for each client, channels in between.
//
//   swift run -c release chat [PORT]
//   nc localhost 7008        (say your name; then talk; /join ROOM, /quit)
import Fibers
import Glibc

final class Chat {
  private var rooms: [String: Room] = [:]

  func room(_ name: String) throws -> Room {
    if let room = rooms[name] { return room }
    let room = try Room(name: name)
    rooms[name] = room
    return room
  }

  /// The life of a client: this fiber reads, another one writes.
  func serve(_ connection: consuming IOHandle) throws {
    let reference = connection.reference
    var lines = LineReader()
    try reference.writeAll(Array("your name?\n".utf8))
    // Who says nothing for so long is not there.
    let name = try Fiber.withTimeout(.seconds(60)) { try lines.next(from: reference) }
    guard let name, !name.isEmpty else { return }
    let member = Member(name: name)
    let writer = try Fiber.spawn(name: "writer for \(name)") {
      // Thrown out, gone, or done: the reader sees the end.
      defer { try? reference.shutdown(.both) }
      for line in member.outbox {
        // A client that takes no bytes for so long is gone.
        try Fiber.withTimeout(.seconds(10)) { try reference.writeAll(Array((line + "\n").utf8)) }
      }
    }
    defer {
      member.outbox.close()
      writer.cancel()
    }
    try talk(member, reading: reference, &lines)
    member.outbox.close()
    _ = try writer.result()
  }

  private func talk(
    _ member: Member, reading reference: IOReference, _ lines: inout LineReader
  ) throws {
    var room = try room("lobby")
    try room.events.send(.join(member))
    defer {
      let last = room
      Fiber.shield { try? last.events.send(.leave(member)) }
    }
    while let line = try lines.next(from: reference) {
      if line == "/quit" { return }
      if line.hasPrefix("/join ") {
        let next = try self.room(String(line.dropFirst(6)))
        try room.events.send(.leave(member))
        room = next
        try room.events.send(.join(member))
      } else {
        try room.events.send(.say(member, line))
      }
    }
  }
}

func serve(_ port: UInt16) throws {
  let listener = try IOHandle.listen(on: .anyAddress(port: port))
  print("listening on \(try listener.localAddress)")
  // Also into a pipe, for whoever let the system choose the port.
  fflush(nil)
  let chat = Chat()
  while true {
    let connection = try listener.accept()
    try Fiber.spawn(consuming: connection) { connection in
      // Clients come and go as they like.
      try? chat.serve(connection)
    }
  }
}

func run() throws {
  let arguments = CommandLine.arguments.dropFirst()
  guard arguments.count <= 1, let port = UInt16(arguments.first ?? "7008") else {
    print("usage: chat [PORT]     (default 7008; 0 lets the system choose)")
    exit(2)
  }
  let server = try Fiber.spawn(name: "server") { try serve(port) }
  try Fiber.spawn(name: "signals") {
    _ = try FiberSignals([SIGINT, SIGTERM]).next()
    try FiberRuntime.current().cancelAll()
  }
  do {
    try server.join()
  } catch let error as any FiberInterruption where error.interruption != nil {
    print("stopped")
  }
}

do {
  try run()
} catch {
  print("chat: \(error)")
  exit(1)
}
