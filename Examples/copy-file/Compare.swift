import ExampleSupport
import Glibc

/// The offset of the first byte that differs, in two buffers of one length; `nil` if none does.
package func firstDifference(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int? {
  precondition(a.count == b.count, "firstDifference: the lengths differ")
  guard let first = a.baseAddress, let second = b.baseAddress else { return nil }
  let block = 4096
  for start in stride(from: 0, to: a.count, by: block) {
    let count = min(block, a.count - start)
    if memcmp(first + start, second + start, count) != 0 {
      return (start..<start + count).first { a[$0] != b[$0] }
    }
  }
  return nil
}

/// Compares two buffers of one length, and shows how that goes.
///
/// - Returns: The offset of the first byte that differs, if there is one.
func compare(
  _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, _ label: String, _ stop: StopSignals
) throws(CopyError) -> Int? {
  var progress = Progress(label, byteCount: a.count)
  let block = 1 << 20
  for start in stride(from: 0, to: a.count, by: block) {
    let range = start..<min(start + block, a.count)
    let difference = firstDifference(.init(rebasing: a[range]), .init(rebasing: b[range]))
    try stop.check()
    try PageFaults.check()
    if let difference { return start + difference }
    progress.advance(by: range.count)
  }
  return nil
}

/// Compares two files.
///
/// - Throws: Where they differ, if they do.
func compareFiles(_ first: String, _ second: String, _ stop: StopSignals) throws(CopyError) {
  let a = try File.openToRead(first)
  let b = try File.openToRead(second)
  let sizes = (try a.byteCount(), try b.byteCount())
  let common = min(sizes.0, sizes.1)
  let mappedA = try Mapping(of: a, byteCount: common, for: .read)
  let mappedB = try Mapping(of: b, byteCount: common, for: .read)

  if let offset = try compare(mappedA.readable, mappedB.readable, "compared", stop) {
    throw .failed("'\(first)' and '\(second)' differ at byte \(offset)")
  }
  guard sizes.0 == sizes.1 else {
    let shorter = sizes.0 < sizes.1 ? first : second
    throw .failed("'\(first)' and '\(second)' differ at byte \(common), where '\(shorter)' ends")
  }
  Console.write("the files are equal\n")
}
