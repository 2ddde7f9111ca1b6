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
  ///   - hasPlaces: Whether it matters where in the source; else the offset is only checked.
  /// - Throws: The first rule that is broken, in the original's order.
  init(
    _ config: Config, sourceByteCount size: Int, alignment: Int, hasPlaces: Bool
  ) throws(PMem2Error) {
    let length = config.length
    guard Protection.all.isSuperset(of: config.protection) else {
      throw .invalidProtection(config.protection.subtracting(.all))
    }
    guard config.offset >= 0 else { throw .offsetOutOfRange(config.offset) }
    guard length >= 0 else { throw .lengthOutOfRange(length) }
    guard config.offset % alignment == 0 else {
      throw .offsetUnaligned(config.offset, alignment: alignment)
    }
    guard size > 0 else { throw .sourceEmpty }
    guard length % alignment == 0 else { throw .lengthUnaligned(length, alignment: alignment) }
    // Neither is negative, so their difference does not overflow. An empty rest of a file is
    // handed to mmap by the original, which says EINVAL.
    let rest = size - config.offset
    guard length <= rest, rest > 0 || !hasPlaces else {
      throw .rangeOutsideSource(offset: config.offset, byteCount: length, sourceByteCount: size)
    }
    offset = hasPlaces ? config.offset : 0
    byteCount = length == 0 ? size - offset : length
  }
}
