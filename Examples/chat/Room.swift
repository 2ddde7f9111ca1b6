import Fibers

/// What happens in a room.
enum RoomEvent {
  case join(Member)
  case leave(Member)
  case say(Member, String)
}

/// Somebody in a room: a name, and a channel of lines to be written to the client.
final class Member {
  let name: String
  let outbox: Channel<String>

  init(name: String) {
    self.name = name
    // A client that does not read has so many lines before it is thrown out.
    outbox = Channel(capacity: 64, name: "outbox of \(name)")
  }

  /// Leaves a line for the client, who is thrown out when there is no room.
  func tell(_ line: String) {
    guard let isFull = try? outbox.trySend(line) != nil else { return }
    if isFull { outbox.close() }
  }
}

/// A room: a fiber that takes events one by one, and so knows its members without a lock.
final class Room {
  let name: String
  let events: Channel<RoomEvent>
  private var members: [Member] = []

  init(name: String) throws {
    self.name = name
    events = Channel(capacity: 16, name: "room \(name)")
    try Fiber.spawn(name: "room \(name)") { self.run() }
  }

  private func run() {
    for event in events {
      switch event {
      case .join(let member):
        members.append(member)
        announce("* \(member.name) is in \(name), with \(members.count - 1) others")
      case .leave(let member):
        members.removeAll { $0 === member }
        announce("* \(member.name) has left \(name)")
      case .say(let member, let text):
        announce("<\(member.name)> \(text)")
      }
    }
  }

  private func announce(_ line: String) {
    for member in members { member.tell(line) }
  }
}
