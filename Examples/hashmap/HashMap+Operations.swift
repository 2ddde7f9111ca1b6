import MiniAsync
import VDM

/// Tries to hold a place until that succeeds or cannot.
///
/// While another operation is in the way it uses no notifier: the runtime polls it again, with
/// growing pauses, in between the others.
struct Hold: Future {
  let attempt: () -> HashMap.Attempt
  var progress = FutureProgress<Result<HashMap.Held, HashMap.Failure>>.idle

  mutating func advance(
    _ notifier: inout Notifier
  ) -> FutureProgress<Result<HashMap.Held, HashMap.Failure>> {
    switch attempt() {
    case .held(let held): .complete(.success(held))
    case .failed(let failure): .complete(.failure(failure))
    case .busy: .running
    }
  }
}

/// Releases a held place.
struct Release: Future {
  let map: HashMap
  let held: HashMap.Held
  let state: HashMap.State
  var progress = FutureProgress<Bool>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Bool> {
    .complete(map.release(held, as: state))
  }
}

/// What the entries of a chain tell each other.
struct Step {
  /// The place, once it is held.
  var held: HashMap.Held?
  /// How the hold ends.
  var end = HashMap.State.present
  /// How it ends if the copy fails.
  var endOfFailure = HashMap.State.present
}

extension HashMap {
  /// The number of bytes of the value, or why there is none.
  typealias Outcome = Result<Int, Failure>

  /// Puts a value under a key that is not in the map: claim, copy, publish.
  func put(
    _ key: UInt64, _ value: UnsafeRawBufferPointer, by mover: ThreadMover
  ) -> some Future<Outcome> & ~Copyable {
    operation(
      attempt: { self.claim(key) },
      copy: { held, step in
        step.endOfFailure = .removed
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: value.count, alignment: 8)
        self.setValue(memory, of: held)
        guard let source = value.baseAddress, let destination = memory.baseAddress else {
          return nil
        }
        return mover.memcpy(to: destination, from: source, byteCount: value.count)
      })
  }

  /// Copies the value of a key into a buffer, as much as fits: hold, copy, release.
  func get(
    _ key: UInt64, into buffer: UnsafeMutableRawBufferPointer, by mover: ThreadMover
  ) -> some Future<Outcome> & ~Copyable {
    operation(
      attempt: { self.hold(key) },
      copy: { held, _ in
        let value = self.value(of: held)
        guard let source = value.baseAddress, let destination = buffer.baseAddress else {
          return nil
        }
        return mover.memcpy(
          to: destination, from: source, byteCount: min(value.count, buffer.count))
      })
  }

  /// Removes a key and its value: hold, release as removed; there is nothing to copy.
  func remove(_ key: UInt64, by mover: ThreadMover) -> some Future<Outcome> & ~Copyable {
    operation(
      attempt: { self.hold(key) },
      copy: { _, step in
        step.end = .removed
        return nil
      })
  }

  /// The chain that all three are: hold a place, copy, release the place.
  ///
  /// The first entry is eager. The copy and the release are lazy: what they do is known only when
  /// the place is. The copy is left out where there is nothing to copy.
  private func operation(
    attempt: @escaping () -> Attempt,
    copy: @escaping (Held, inout Step) -> OperationFuture<ThreadMover>?
  ) -> some Future<Outcome> & ~Copyable {
    Chain(output: Outcome.success(0), extra: Step(), first: Hold(attempt: attempt))
      .thenLazily { chain, held -> Skippable<OperationFuture<ThreadMover>> in
        switch held {
        case .success(let held):
          chain.extra.held = held
          return Skippable(copy(held, &chain.extra))
        case .failure(let failure):
          chain.output = .failure(failure)
          chain.finish()
          return Skippable(nil)
        }
      }
      .thenLazily { chain, copied -> Skippable<Release> in
        guard let held = chain.extra.held else { return Skippable(nil) }
        if let copied, !copied.isSuccess {
          chain.output = .failure(.notCopied)
          return Skippable(Release(map: self, held: held, state: chain.extra.endOfFailure))
        }
        chain.output = .success(self.value(of: held).count)
        return Skippable(Release(map: self, held: held, state: chain.extra.end))
      }
  }
}
