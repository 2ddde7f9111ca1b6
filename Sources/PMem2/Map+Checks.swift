extension Map {
  /// Checks that a range may be written.
  ///
  /// - Throws: ``PMem2Error/rangeOutsideMap(offset:byteCount:mapByteCount:)``,
  ///   ``PMem2Error/noAccess(_:)``, ``PMem2Error/mappingNotFound``.
  @inline(__always)
  func checkWritable(_ start: UnsafeRawPointer, _ count: Int) throws(PMem2Error) {
    if unsafe isInside(start, count, of: writableByteCount), isMapped { return }
    throw unsafe refusal(start, count, .write)
  }

  /// Checks that a range may be flushed; as ``checkWritable(_:_:)``.
  @inline(__always)
  func checkReadable(_ start: UnsafeRawPointer, _ count: Int) throws(PMem2Error) {
    if unsafe isInside(start, count, of: readableByteCount), isMapped { return }
    throw unsafe refusal(start, count, .read)
  }

  /// Whether a range lies in the first `size` bytes.
  @inline(__always)
  private func isInside(_ start: UnsafeRawPointer, _ count: Int, of size: Int) -> Bool {
    // As unsigned numbers, what is negative is larger than any size.
    let offset = unsafe UInt(bitPattern: start) &- UInt(bitPattern: address)
    let count = UInt(bitPattern: count)
    return count <= UInt(size) && offset <= UInt(size) &- count && size > 0
  }

  @inline(never)
  private func refusal(
    _ start: UnsafeRawPointer, _ count: Int, _ access: Protection
  ) -> PMem2Error {
    if !isMapped { return .mappingNotFound }
    guard unsafe isInside(start, count, of: byteCount) else {
      return .rangeOutsideMap(
        offset: unsafe offset(of: start), byteCount: count, mapByteCount: byteCount)
    }
    return .noAccess(access)
  }

  /// How far behind the first byte an address is; negative if it is before it.
  func offset(of start: UnsafeRawPointer) -> Int {
    unsafe Int(bitPattern: start) &- Int(bitPattern: address)
  }
}
