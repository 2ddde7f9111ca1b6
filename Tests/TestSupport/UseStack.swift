/// Calls itself until about `kilobytes` KiB of stack are used, a page or less at a time.
@inline(never)
public func useStack(kilobytes: Int) -> UInt64 {
  var block = InlineArray<112, UInt64>(repeating: UInt64(kilobytes))
  if kilobytes > 1 { block[kilobytes % 112] = useStack(kilobytes: kilobytes - 1) }
  return block[0] &+ block[kilobytes % 112] &+ 1
}
