import Glibc

// Pictures by their samples from 0 to 1.
extension OutputComparison {
  static func comparePictures(_ a: PNGImage, _ b: PNGImage, _ findings: inout Findings) {
    guard a.width == b.width, a.height == b.height else {
      findings.differ("pictures of \(a.width) × \(a.height) and \(b.width) × \(b.height) pixels")
      return
    }
    guard a.channels == b.channels, a.depth == b.depth else {
      findings.differ("pixels of \(a.channels) × \(a.depth) and \(b.channels) × \(b.depth) bits")
      return
    }
    let size = a.channels * a.depth / 8
    let pixels = a.width * a.height
    var differing = 0
    var first: Int?
    a.samples.withUnsafeBytes { x in
      b.samples.withUnsafeBytes { y in
        guard let left = x.baseAddress, let right = y.baseAddress else { return }
        for row in 0..<a.height {
          let start = row * a.width
          if memcmp(left + start * size, right + start * size, a.width * size) == 0 { continue }
          for pixel in start..<(start + a.width) {
            let at = pixel * size
            if memcmp(left + at, right + at, size) == 0 { continue }
            var isSame = true
            for channel in 0..<a.channels {
              let place = at + channel * a.depth / 8
              func value(_ bytes: UnsafeRawBufferPointer) -> Double {
                a.depth == 8
                  ? Double(bytes[place]) / 255 : Double(Int(bytes[place]) << 8 | Int(bytes[place + 1])) / 65535
              }
              if !findings.accepts(value(x), value(y)) { isSame = false }
            }
            guard !isSame else { continue }
            differing += 1
            if first == nil { first = pixel }
          }
        }
      }
    }
    if let first {
      let (x, y) = (first % a.width, first / a.width)
      let count = "\(Wording.count(differing)) of \(Wording.count(pixels, "pixel")) differ"
      findings.differ("pixel (\(x), \(y)): \(a.colour(x, y)) and \(b.colour(x, y)); \(count)")
    } else if a == b {
      findings.remark = "the same pixels, but other bytes around them: texts, time stamps or packing"
    }
  }
}
