import Glibc

// What libFuzzer calls. RUNG_FUZZ names the decoder.
private let decoder = getenv("RUNG_FUZZ").flatMap { Decoder(rawValue: String(cString: $0)) }

/// Gives the decoder some bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  guard let decoder else { fatalError("RUNG_FUZZ names no decoder") }
  decoder.run(Array(UnsafeBufferPointer(start: data, count: size)))
  return 0
}
