/// What a waiter offers to the future it polls, and what the future used of it.
///
/// A notifier is made by the waiter for one poll. An empty one, `Notifier()`, offers nothing: the
/// future is polled by a caller that will come again anyway.
///
/// Corresponds to C's `struct future_notifier`.
public struct Notifier: ~Copyable {
  /// What a future has used of a notifier.
  ///
  /// Corresponds to C's `notifier_used`.
  public struct Use: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt8

    /// Makes a set from raw bits.
    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// It took the waker and will call it.
    @inlinable
    public static var waker: Use { Use(rawValue: 1 << 0) }
    /// It named a word to watch.
    @inlinable
    public static var poller: Use { Use(rawValue: 1 << 1) }
    /// It wants to be polled again whatever else it used.
    ///
    /// A future made of several sets this when one of them used nothing.
    @inlinable
    public static var repeatedPolls: Use { Use(rawValue: 1 << 2) }
  }

  @usableFromInline var waker: Waker?
  @usableFromInline var use: Use
  /// The word to watch; means nothing unless `use` contains `.poller`.
  @usableFromInline var watched: Poller?

  /// Makes a notifier that offers nothing.
  @inlinable
  public init() {
    waker = nil
    use = []
    watched = nil
  }

  /// Makes a notifier that offers `waker`, and to watch a word.
  @inlinable
  public init(waker: Waker) {
    self.waker = waker
    use = []
    watched = nil
  }

  /// What the future used.
  ///
  /// Empty: it wants to be polled again after a pause.
  @inlinable
  public var used: Use { use }

  /// The word that the future wants to have watched, if any.
  @inlinable
  public var poller: Poller? { use.contains(.poller) ? watched : nil }

  /// Whether a waker is offered.
  @inlinable
  public var offersWaker: Bool { waker != nil }

  /// The waker, to be kept and called when another poll is worth while; `nil` if none is offered.
  ///
  /// Taking it is a promise to call it. Not taking it (and not watching a word) means being
  /// polled again after a pause.
  @inlinable
  public mutating func takeWaker() -> Waker? {
    guard let waker else { return nil }
    use.insert(.waker)
    return waker
  }

  /// Asks the waiter to poll again when a memory word has changed.
  ///
  /// A notifier watches one word. A future made of several that name one each asks for repeated
  /// polls instead; so does this, when a word is watched already.
  @inlinable
  public mutating func watch(_ poller: Poller) {
    if use.contains(.poller) {
      pollRepeatedly()
    } else {
      watched = poller
      use.insert(.poller)
    }
  }

  /// Asks to be polled again after a pause, whatever else is used.
  ///
  /// For futures made of others, of which one has used nothing.
  @inlinable
  public mutating func pollRepeatedly() { use.insert(.repeatedPolls) }

  /// Polls a part of a future made of several, and adds what it used to what the others used.
  ///
  /// A part that is not complete and has used nothing makes the whole be polled repeatedly.
  ///
  /// - Parameter poll: Polls the part, with the notifier it is given.
  /// - Returns: The state of the part.
  @inlinable
  public mutating func pollPart(_ poll: (inout Notifier) -> FutureState) -> FutureState {
    let others = use
    let word = watched
    use = []
    let state = poll(&self)
    if state == .complete {
      // What it has used is void, and its word may be gone already.
      use = others
      watched = word
      return state
    }
    if use.isEmpty { use = .repeatedPolls }
    if others.contains(.poller) {
      if use.contains(.poller) { use.insert(.repeatedPolls) }
      watched = word
    }
    use.formUnion(others)
    return state
  }

  /// Forgets what the last future used, for polling the next one.
  @inlinable
  mutating func reset(token: UInt64) {
    waker?.token = token
    use = []
  }
}
