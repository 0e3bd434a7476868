import Glibc

/// One end of a conversation in frames that waits: writing for the other side to read, reading for it to write. For one
/// thread.
public final class FramePipe {
  private let input: Int32
  private let output: Int32
  private let isSocket: Bool
  private let reader = FrameReader()
  private let writer = FrameWriter()

  /// Both ways over one socket, or input and output each over a descriptor of its own; closing them is left to the owner.
  public init(socket: Int32) { (input, output, isSocket) = (socket, socket, true) }

  /// The same over two descriptors of any kind.
  public init(input: Int32, output: Int32) { (self.input, self.output, isSocket) = (input, output, false) }

  /// Adds a frame to what is to be sent; much of it is sent at once.
  public func send(
    _ kind: UInt8, _ request: UInt32, _ head: [UInt8] = [],
    _ rest: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
  ) throws(WireError) {
    writer.add(kind, request, head, rest)
    if writer.waiting > 256 << 10 { try flush() }
  }

  /// Sends what is left.
  public func flush() throws(WireError) {
    try writer.write(to: output, flags: isSocket ? 0 : nil)
    // Only where the socket has a limit of time.
    if writer.waiting > 0 { throw .silent }
  }

  /// Sends what is left and waits for the next frame. After so many milliseconds without a byte it throws `silent`;
  /// a negative number waits for ever.
  public func receive(patience: Int32 = -1) throws(WireError) -> Frame {
    while true {
      if let frame = try reader.next() { return frame }
      try flush()
      var waiting = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
      let ready = poll(&waiting, 1, patience)
      if ready < 0 && errno == EINTR { continue }
      if ready == 0 { throw .silent }
      if ready < 0 { throw .system(errno) }
      _ = try reader.fill(from: input)
    }
  }

  /// Whether `received` would give one.
  public var hasFrame: Bool { reader.hasFrame }

  /// A frame that has come already, without waiting; nil when there is none.
  public func received() throws(WireError) -> Frame? { try reader.next() }
}
