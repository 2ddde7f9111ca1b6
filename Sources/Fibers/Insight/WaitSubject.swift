/// What a parked fiber waits for: read from its control block, in words.
struct WaitSubject: CustomStringConvertible {
  let description: String
  /// The one fiber that has to do something first, if there is one.
  var fiber: FiberRef?

  init(of fiber: FiberRef) {
    // SAFETY: the fiber is parked, so the subject is what `WaitKind` says, and still there.
    let subject = unsafe fiber.waitSubject
    switch (fiber.waitKind, unsafe subject) {
    case (.join, let list?):
      // The list is part of the block of the fiber joined: as far from its beginning as in any block.
      let offset = unsafe UnsafeRawPointer(fiber.pointer.joiners) - UnsafeRawPointer(fiber.pointer)
      let block = unsafe (list - offset).assumingMemoryBound(to: FiberBlock.self)
      let joined = unsafe FiberRef(block)
      self.fiber = joined
      description = "to join \(joined.object?.label ?? "a fiber")"
    case (.mutex, let place?):
      let place = unsafe place.assumingMemoryBound(to: WaitPlace.self)
      self.fiber = unsafe place.pointee.holder
      let holder = self.fiber.map { $0.object?.label ?? "a fiber that has ended" } ?? "nobody"
      description = unsafe "for mutex \(place.pointee.label), held by \(holder)"
    case (.condition, let place?):
      description = unsafe "for condition \(place.name)"
    case (.semaphore, let place?):
      description = unsafe "for semaphore \(place.name)"
    case (.group, let place?):
      let count = unsafe place.assumingMemoryBound(to: WaitPlace.self).pointee.count
      description = unsafe "for wait group \(place.name), \(count) not done"
    case (.sleep, let record?):
      let until = unsafe record.assumingMemoryBound(to: SleepRecord.self).pointee.until
      let left = Duration.nanoseconds(until - (fiber.object?.scheduler.readClock() ?? until))
      description = "for time to pass, \(left.inMilliseconds) ms more"
    case (.readable, let slot?):
      description = unsafe "for descriptor \(slot.descriptor) to be readable"
    case (.writable, let slot?):
      description = unsafe "for descriptor \(slot.descriptor) to be writable"
    case (.send, let waiter?):
      description = unsafe "to send to \(waiter.channel)"
    case (.receive, let waiter?):
      description = unsafe "to receive from \(waiter.channel)"
    case (.select, let waiter?):
      description = unsafe "to \(waiter.alternatives)"
    case (.future, _): description = "for a future"
    case (.task, _): description = "for a Swift task"
    case (.blocking, _): description = "for a blocking call on a helper thread"
    case (.sharedSend, _): description = "to send to a channel between threads"
    case (.sharedReceive, _): description = "to receive from a channel between threads"
    default: description = "for a waker"
    }
  }
}

extension UnsafeMutableRawPointer {
  /// Of a ``WaitPlace``.
  fileprivate var name: String {
    unsafe assumingMemoryBound(to: WaitPlace.self).pointee.label
  }

  /// Of an ``IOSlot``.
  fileprivate var descriptor: Int32 {
    unsafe assumingMemoryBound(to: IOSlot.self).pointee.descriptor
  }

  /// Of a ``ChannelWaiter``.
  fileprivate var channel: String {
    unsafe assumingMemoryBound(to: ChannelWaiter.self).pointee.channelDescription
  }

  /// Of the first ``ChannelWaiter`` of a select.
  fileprivate var alternatives: String {
    var words: [String] = []
    var next: UnsafeMutablePointer<ChannelWaiter>? = unsafe assumingMemoryBound(
      to: ChannelWaiter.self)
    while let waiter = unsafe next {
      let verb = unsafe waiter.pointee.isSender ? "send to" : "receive from"
      words.append(unsafe "\(verb) \(waiter.pointee.channelDescription)")
      unsafe next = waiter.pointee.sibling
    }
    return words.joined(separator: " or ")
  }
}
