import CZlib
import RungCore

/// DEFLATE streams (RFC 1950, 1951, 1952), which PNG, PDF and zip archives have inside.
public enum Zlib {
  /// How the stream is wrapped.
  public enum Wrapping: Sendable {
    /// RFC 1950, as in PNG and PDF.
    case zlib
    /// Not at all (RFC 1951), as in zip archives.
    case none

    fileprivate var windowBits: Int32 {
      switch self {
      case .zlib: 15
      case .none: -15
      }
    }
  }

  /// The plain bytes of a stream. What follows the stream is not looked at.
  ///
  /// - Parameter limit: the most that the answer may have, in bytes: a small file must not fill the memory.
  ///
  /// Throws when the stream is damaged, cut short, or has more than `limit` bytes in it.
  public static func inflate(
    _ bytes: some Sequence<UInt8>, _ wrapping: Wrapping = .zlib, limit: Int
  ) throws(FormatError) -> [UInt8] {
    var input = Array(bytes)
    var stream = z_stream()
    guard inflateInit2_(&stream, wrapping.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw FormatError("zlib has no memory")
    }
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: max(1, min(limit + 1, 1 << 18)))
    let failure = input.withUnsafeMutableBufferPointer { source -> FormatError? in
      var fed = 0
      while true {
        if stream.avail_in == 0 {
          let count = min(source.count - fed, 1 << 30)
          stream.next_in = source.baseAddress.map { $0 + fed }
          stream.avail_in = UInt32(count)
          fed += count
        }
        let (code, made) = chunk.withUnsafeMutableBufferPointer { target -> (Int32, Int) in
          stream.next_out = target.baseAddress
          stream.avail_out = UInt32(target.count)
          let code = CZlib.inflate(&stream, Z_NO_FLUSH)
          return (code, target.count - Int(stream.avail_out))
        }
        guard output.count + made <= limit else { return FormatError("it has more than \(limit) bytes when unpacked") }
        output += chunk[..<made]
        switch code {
        case Z_STREAM_END: return nil
        case Z_OK: break
        default:
          return FormatError(
            code == Z_BUF_ERROR || (made == 0 && stream.avail_in == 0)
              ? "its compressed data ends too early" : "its compressed data is damaged")
        }
        if made == 0, stream.avail_in == 0, fed == source.count {
          return FormatError("its compressed data ends too early")
        }
      }
    }
    if let failure { throw failure }
    return output
  }

  /// The bytes as a stream. The same bytes give the same stream on every machine with the same zlib.
  public static func deflate(_ bytes: some Sequence<UInt8>, _ wrapping: Wrapping = .zlib) -> [UInt8] {
    var input = Array(bytes)
    var stream = z_stream()
    let code = deflateInit2_(
      &stream, 6, Z_DEFLATED, wrapping.windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    // Only for want of memory, which Swift does not survive either.
    precondition(code == Z_OK, "zlib has no memory")
    defer { deflateEnd(&stream) }
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(input.count))))
    let made = input.withUnsafeMutableBufferPointer { source in
      output.withUnsafeMutableBufferPointer { target -> Int in
        // The bound holds for one call: both sides are there in one piece, unless they are larger than 4 GiB.
        stream.next_in = source.baseAddress
        stream.next_out = target.baseAddress
        var fed = 0
        var made = 0
        var code = Z_OK
        repeat {
          let more = min(source.count - fed, 1 << 30)
          let room = min(target.count - made, 1 << 30)
          stream.avail_in = UInt32(more)
          stream.avail_out = UInt32(room)
          code = CZlib.deflate(&stream, fed + more == source.count ? Z_FINISH : Z_NO_FLUSH)
          fed += more - Int(stream.avail_in)
          made += room - Int(stream.avail_out)
        } while code == Z_OK
        return made
      }
    }
    output.removeLast(output.count - made)
    return output
  }

  /// The CRC-32 of PNG and zip (ISO 3309).
  public static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let array = Array(bytes)
    return array.withUnsafeBufferPointer { buffer in
      var sum = CZlib.crc32(0, nil, 0)
      var done = 0
      while done < buffer.count {
        let count = min(buffer.count - done, 1 << 30)
        sum = CZlib.crc32(sum, buffer.baseAddress.map { $0 + done }, UInt32(count))
        done += count
      }
      return UInt32(sum)
    }
  }
}
