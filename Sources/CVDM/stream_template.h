// The streaming functions of one store width. Included by stream.c, once per width, with
//
//   VARIANT  the suffix of the names
//   WIDTH    bytes in a store: 16, 32 or 64
//   TARGET   the attribute that lets the compiler use it
//   BLOCK    bytes moved at a step: as many lines as fit into half of the registers
//
// Not a header in its own right: no include guard, on purpose.

#define VECTOR JOIN(vector, VARIANT)
#define UNALIGNED_VECTOR JOIN(unaligned_vector, VARIANT)
#define STREAM JOIN(stream, VARIANT)

typedef uint8_t VECTOR __attribute__((vector_size(WIDTH), may_alias));
typedef uint8_t UNALIGNED_VECTOR __attribute__((vector_size(WIDTH), aligned(1), may_alias));

// Copies `LINE` or `BLOCK` bytes to an aligned destination. All of it is loaded before any of it is
// stored. So a destination that overlaps its source is right in both directions; and a load waits
// less often for an older store whose address agrees in the low 12 bits (4 KiB aliasing): with a
// destination 13 bytes behind the source in its page, 16 KiB take 1,040 ns line by line and 700 this way.
TARGET INLINE void STREAM(char *to, const char *from, size_t size) {
  VECTOR loaded[BLOCK / WIDTH];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < size / WIDTH; i++)
    loaded[i] = *(const UNALIGNED_VECTOR *)(from + i * WIDTH);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < size / WIDTH; i++)
    __builtin_nontemporal_store(loaded[i], (VECTOR *)(to + i * WIDTH));
}

TARGET UNINSTRUMENTED void JOIN(vdm_stream_copy_forward, VARIANT)(
    void *destination, const void *source, size_t byte_count, vdm_flush_fn flush_edges) {
  WILL_READ(source, byte_count);
  WILL_WRITE(destination, byte_count);
  char *to = destination;
  const char *from = source;
  size_t head = smaller(-(uintptr_t)to & (LINE - 1), byte_count);
  put_edge_forward(to, from, head, flush_edges);
  to += head, from += head, byte_count -= head;
  for (; byte_count >= BLOCK; byte_count -= BLOCK, to += BLOCK, from += BLOCK)
    STREAM(to, from, BLOCK);
  for (; byte_count >= LINE; byte_count -= LINE, to += LINE, from += LINE) STREAM(to, from, LINE);
  put_edge_forward(to, from, byte_count, flush_edges);
}

TARGET UNINSTRUMENTED void JOIN(vdm_stream_copy_backward, VARIANT)(
    void *destination, const void *source, size_t byte_count, vdm_flush_fn flush_edges) {
  WILL_READ(source, byte_count);
  WILL_WRITE(destination, byte_count);
  char *to = (char *)destination + byte_count;
  const char *from = (const char *)source + byte_count;
  size_t tail = smaller((uintptr_t)to & (LINE - 1), byte_count);
  to -= tail, from -= tail, byte_count -= tail;
  put_edge_backward(to, from, tail, flush_edges);
  for (; byte_count >= BLOCK; byte_count -= BLOCK) {
    to -= BLOCK, from -= BLOCK;
    STREAM(to, from, BLOCK);
  }
  for (; byte_count >= LINE; byte_count -= LINE) {
    to -= LINE, from -= LINE;
    STREAM(to, from, LINE);
  }
  put_edge_backward(to - byte_count, from - byte_count, byte_count, flush_edges);
}

TARGET UNINSTRUMENTED void JOIN(vdm_stream_set, VARIANT)(void *destination, int value,
                                                         size_t byte_count,
                                                         vdm_flush_fn flush_edges) {
  WILL_WRITE(destination, byte_count);
  char *to = destination;
  uint64_t pattern = (uint8_t)value * 0x0101010101010101u;
  VECTOR filled = (uint8_t)value - (VECTOR){};
  size_t head = smaller(-(uintptr_t)to & (LINE - 1), byte_count);
  fill_edge(to, pattern, head, flush_edges);
  to += head, byte_count -= head;
  char *end = to + (byte_count & ~(size_t)(LINE - 1));
#pragma clang loop unroll_count(4)
  for (; to < end; to += LINE) {
#pragma clang loop unroll(full)
    for (int i = 0; i < LINE / WIDTH; i++)
      __builtin_nontemporal_store(filled, (VECTOR *)(to + i * WIDTH));
  }
  fill_edge(to, pattern, byte_count & (LINE - 1), flush_edges);
}

#undef VECTOR
#undef UNALIGNED_VECTOR
#undef STREAM
#undef VARIANT
#undef WIDTH
#undef TARGET
#undef BLOCK
