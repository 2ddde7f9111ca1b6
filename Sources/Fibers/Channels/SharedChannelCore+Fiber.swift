/// The side of fibers: they park.
extension SharedChannelCore {
  /// Sends the element in `slot`; parks while the channel is full.
  ///
  /// - Throws: ``ChannelSendError``; then the element is still in `slot`.
  @usableFromInline
  func send(from slot: UnsafeMutableRawPointer, _ move: Move) throws(ChannelSendError) {
    let scheduler = Fiber.fiberScheduler("SharedChannel.send")
    let place = unsafe Place(slot)
    do throws(FiberCancelled) {
      while true {
        switch unsafe send(from: place, [.mayWait, .takesTurns], move) {
        case .done(let wake): return wake()
        case .waits(let waiter): if try wait(as: waiter, .sharedSend, scheduler) { return }
        case .turnOver:
          try scheduler.yield()
          continue
        case .closed, .refused: break
        }
        break
      }
    } catch {
      throw .cancelled(error)
    }
    throw .closed
  }

  /// Receives an element into `slot`; parks while the channel is empty.
  ///
  /// - Returns: False when the channel is closed and nothing is left.
  /// - Throws: ``FiberCancelled``; then nothing was received.
  @usableFromInline
  func receive(
    into slot: UnsafeMutableRawPointer, _ move: Move
  ) throws(FiberCancelled) -> Bool {
    let scheduler = Fiber.fiberScheduler("SharedChannel.receive")
    let place = unsafe Place(slot)
    while true {
      switch unsafe receive(into: place, [.mayWait, .takesTurns], move) {
      case .done(let wake):
        wake()
        return true
      case .waits(let waiter): return try wait(as: waiter, .sharedReceive, scheduler)
      case .turnOver: try scheduler.yield()
      case .closed, .refused: return false
      }
    }
  }

  /// Parks until something has become of `waiter`.
  ///
  /// What has become of it is for the machine to say; the wake is a hint to look. So a fiber that
  /// was served and cancelled at once was served, and its cancellation stays pending.
  ///
  /// - Returns: Whether it was served; false: the channel was closed.
  /// - Throws: ``FiberCancelled`` when it was neither.
  private func wait(
    as waiter: SharedChannelMachine.Waiter, _ kind: WaitKind, _ scheduler: Scheduler
  ) throws(FiberCancelled) -> Bool {
    while true {
      do throws(FiberCancelled) {
        try scheduler.parkExternally(as: kind) { door, token in
          if !setWake(.fiber(door, token), of: waiter) { door.wake(token: token) }
        }
      } catch {
        let fate = look(waiter, givesUp: true)
        if fate == .waiting { throw error }
        Fiber.deliverLater(error)
        return fate == .served
      }
      let fate = look(waiter, givesUp: false)
      if fate != .waiting { return fate == .served }
    }
  }
}
