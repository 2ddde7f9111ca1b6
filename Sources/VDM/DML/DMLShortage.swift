import MiniAsync

/// What an accelerator lacks to be used, in words.
///
/// A number inside: the words are kept once for the process. So ``VDMError`` owns nothing, and the
/// output of an operation costs nothing to copy where no accelerator is concerned at all.
public struct DMLShortage: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  private static let texts = Locked<[String]>([])

  private let index: Int32

  /// Keeps the words; the same words are kept once.
  init(_ text: String) {
    index = Self.texts.withLock { texts in
      if let known = texts.firstIndex(of: text) { return Int32(known) }
      texts.append(text)
      return Int32(texts.count - 1)
    }
  }

  /// The words.
  public var description: String { Self.texts.withLock { $0[Int(index)] } }
}
