/// The part of a source that a configuration asks for, once all rules are known to hold.
struct MapRange: Hashable {
  let offset: Int
  let byteCount: Int

  /// Checks a configuration against a source.
  ///
  /// - Parameters:
  ///   - config: What is asked for.
  ///   - size: The source's bytes.
  ///   - alignment: What the source asks offset and length to be multiples of.
  /// - Throws: The first rule that is broken, in the original's order.
  init(_ config: Config, sourceByteCount size: Int, alignment: Int) throws(PMem2Error) {
    let offset = config.offset
    let length = config.length
    guard Protection.all.isSuperset(of: config.protection) else {
      throw .invalidProtection(config.protection.subtracting(.all))
    }
    guard offset >= 0 else { throw .offsetOutOfRange(offset) }
    guard length >= 0 else { throw .lengthOutOfRange(length) }
    guard size > 0 else { throw .sourceEmpty }
    guard length % alignment == 0 else { throw .lengthUnaligned(length, alignment: alignment) }
    // Neither is negative, so their difference does not overflow.
    guard length <= size - offset else {
      throw .rangeOutsideSource(offset: offset, byteCount: length, sourceByteCount: size)
    }
    guard offset % alignment == 0 else { throw .offsetUnaligned(offset, alignment: alignment) }
    byteCount = length == 0 ? size - offset : length
    self.offset = offset
    guard byteCount > 0 else {
      // The original hands this to mmap, which says EINVAL.
      throw .rangeOutsideSource(offset: offset, byteCount: 0, sourceByteCount: size)
    }
  }
}
