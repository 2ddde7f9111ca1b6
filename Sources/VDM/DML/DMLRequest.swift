/// An operation for the DML mover as a whole, however long it is.
///
/// As an ``Operation`` it names memory that others own.
@safe
struct DMLRequest {
  var operation: DMLOperation
  var source: UnsafeMutableRawPointer?
  var secondSource: UnsafeMutableRawPointer?
  var destination: UnsafeMutableRawPointer?
  var secondDestination: UnsafeMutableRawPointer?
  var byteCount: Int
  var pattern: UInt64 = 0
  /// What the CRC continues.
  var crc: UInt32 = 0
  var flags: OperationFlags = []

  init(_ operation: DMLOperation, byteCount: Int, flags: OperationFlags = []) {
    self.operation = operation
    self.byteCount = byteCount
    self.flags = flags
  }

  /// A memcpy, memmove or memset.
  init(_ operation: Operation) {
    self.init(
      operation.kind == .memset ? .fill : .move, byteCount: operation.byteCount,
      flags: operation.flags)
    unsafe destination = operation.destination
    if operation.kind == .memset {
      pattern = UInt64(operation.value) &* 0x0101_0101_0101_0101
    } else {
      unsafe source = UnsafeMutableRawPointer(mutating: operation.source)
    }
  }

  /// What is wrong with the request, whatever the mover.
  ///
  /// Of ranges that it writes none may overlap another; memmove is no request, but made of some.
  var invalidArgument: VDMError.InvalidArgument? {
    guard byteCount >= 0 else { return .negativeByteCount(byteCount) }
    let count = UInt(bitPattern: byteCount)
    // 0 where there is no range; no memory is there.
    let destination = unsafe UInt(bitPattern: destination)
    let secondDestination = unsafe UInt(bitPattern: secondDestination)
    let source = unsafe UInt(bitPattern: source)
    let secondSource = unsafe UInt(bitPattern: secondSource)
    let last = max(max(destination, secondDestination), max(source, secondSource))
    guard count <= 1 << 56, count <= UInt.max - last else { return .addressOverflow }
    func overlap(_ a: UInt, _ b: UInt) -> Bool {
      a != 0 && b != 0 && max(a, b) - min(a, b) < count
    }
    let overlaps =
      overlap(destination, secondDestination) || overlap(destination, source)
      || overlap(secondDestination, source)
    return overlaps ? .overlappingRanges : nil
  }
}

extension Operation {
  /// Below this distance of overlapping ranges pieces become too small to be worth a job each.
  static let smallestDistance = 4096

  /// How far the destination is from the source.
  var distance: Int {
    let to = unsafe Int(bitPattern: destination)
    let from = unsafe Int(bitPattern: source)
    return abs(to - from)
  }
}
