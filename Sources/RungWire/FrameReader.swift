import Glibc

/// Takes frames out of bytes as they come. For one thread.
public final class FrameReader {
  private var buffer: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0

  /// Nothing came so far.
  public init() { buffer = .allocate(byteCount: 256 << 10, alignment: 64) }

  deinit { buffer.deallocate() }

  /// The next frame that has come whole; nil when more must come first. What the one before had for a body is gone.
  public func next() throws(WireError) -> Frame? {
    guard end - start >= Frame.headerBytes else { return nil }
    let length = Int(buffer.loadUnaligned(fromByteOffset: start, as: UInt32.self).littleEndian)
    guard length >= Frame.headerBytes - 4, length <= Frame.mostBytes + Frame.headerBytes - 4 else { throw .nonsense }
    guard end - start >= 4 + length else { return nil }
    defer { start += 4 + length }
    return Frame(
      kind: buffer[start + 4],
      request: buffer.loadUnaligned(fromByteOffset: start + 5, as: UInt32.self).littleEndian,
      body: UnsafeRawBufferPointer(rebasing: buffer[start + Frame.headerBytes..<start + 4 + length]))
  }

  /// Whether `next` would give one, or throw.
  public var hasFrame: Bool {
    guard end - start >= Frame.headerBytes else { return false }
    return end - start >= 4 + Int(buffer.loadUnaligned(fromByteOffset: start, as: UInt32.self).littleEndian)
  }

  /// Reads once from a descriptor. False when there was nothing, of one that does not block; throws `closed` at its end.
  public func fill(from descriptor: Int32) throws(WireError) -> Bool {
    makeRoom()
    while true {
      let count = read(descriptor, buffer.baseAddress.map { $0 + end }, buffer.count - end)
      if count > 0 {
        end += count
        return true
      }
      if count == 0 { throw .closed }
      switch errno {
      case EINTR: continue
      case EAGAIN: return false
      case ECONNRESET: throw .closed
      default: throw .system(errno)
      }
    }
  }

  private func makeRoom() {
    if start == end { (start, end) = (0, 0) }
    if buffer.count - end >= 64 << 10 { return }
    if start > 0, let base = buffer.baseAddress {
      memmove(base, base + start, end - start)
      (start, end) = (0, end - start)
    }
    guard buffer.count - end < 64 << 10 else { return }
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * buffer.count, alignment: 64)
    larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<end]))
    buffer.deallocate()
    buffer = larger
  }
}
