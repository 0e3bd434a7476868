import Glibc

/// Collects frames and writes them. For one thread.
public final class FrameWriter {
  private var bytes: [UInt8] = []
  private var start = 0

  /// Nothing is to be written so far.
  public init() {}

  /// How many bytes wait to be written.
  public var waiting: Int { bytes.count - start }

  /// Adds a frame: the parts one after the other are its body, together at most `Frame.mostBytes`.
  public func add(
    _ kind: UInt8, _ request: UInt32, _ head: [UInt8] = [],
    _ rest: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
  ) {
    precondition(head.count + rest.count <= Frame.mostBytes, "a frame that nobody would read")
    withUnsafeBytes(of: UInt32(Frame.headerBytes - 4 + head.count + rest.count).littleEndian) { bytes += $0 }
    bytes.append(kind)
    withUnsafeBytes(of: request.littleEndian) { bytes += $0 }
    bytes += head
    bytes.append(contentsOf: rest)
  }

  /// Writes what waits. Where the descriptor does not block (`flags` with MSG_DONTWAIT) it may be less than all.
  /// `flags` are those of send(2); nil where the descriptor is no socket.
  public func write(to descriptor: Int32, flags: Int32?) throws(WireError) {
    while start < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        let base = raw.baseAddress.map { $0 + start }
        return flags.map { send(descriptor, base, raw.count - start, $0 | Int32(MSG_NOSIGNAL)) }
          ?? Glibc.write(descriptor, base, raw.count - start)
      }
      if count >= 0 {
        start += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        // What was written is not kept for ever where the other side is slow.
        if start > 1 << 20 {
          bytes.removeFirst(start)
          start = 0
        }
        return
      case EPIPE, ECONNRESET: throw .closed
      default: throw .system(errno)
      }
    }
    bytes.removeAll(keepingCapacity: bytes.capacity <= 4 << 20)
    start = 0
  }
}
