import RungCore

/// An image XObject (ISO 32000-1, section 8.9.5).
struct PDFImage {
  let width: Int
  let height: Int
  /// The pixels, where they are stored without loss in grey, RGB or a palette of these.
  private(set) var pixels: PixelDigest?
  /// The digest of the JPEG file that it is, if it is one.
  private(set) var file: Digest?

  /// Nil when the object is no image, or a stencil.
  init?(_ object: PDFDocument.Object, _ document: inout PDFDocument) {
    let dictionary = object.value
    guard dictionary["Subtype"]?.isName("Image") == true, let stream = object.stream,
      let width = document.resolve(dictionary["Width"])?.int, let height = document.resolve(dictionary["Height"])?.int,
      1...1 << 24 ~= width, 1...1 << 24 ~= height, document.resolve(dictionary["ImageMask"]) != .bool(true)
    else { return nil }
    self.width = width
    self.height = height
    // What many images share is asked for once for each.
    document.spend(1024)
    guard document.limits.unpacked > 0 else { return }
    let filter = document.resolve(dictionary["Filter"])
    let only = filter?.array.map { $0.count == 1 ? document.resolve($0[0]) : nil } ?? filter
    if only?.isName("DCTDecode") == true {
      file = Digest(of: document.bytes[stream])
    } else if let plane = Plane(object, width, height, &document) {
      pixels = Self.digest(plane, dictionary, &document)
    }
  }

  private static func digest(_ plane: Plane, _ dictionary: PDFValue, _ document: inout PDFDocument) -> PixelDigest? {
    let key = document.resolve(dictionary["Mask"])
    guard key == nil || key == .array([]) else { return nil }
    guard let reference = dictionary["SMask"], document.resolve(reference) != nil else {
      return PixelDigest(
        width: plane.width, height: plane.height, channels: plane.channels, depth: plane.depth, samples: plane.samples)
    }
    // A mask of another size is stretched over the picture: no PNG says the same.
    guard let object = document.object(reference), object.value["Matte"] == nil,
      let mask = Plane(object, plane.width, plane.height, &document), mask.channels == 1, mask.depth == plane.depth
    else { return nil }
    let (colour, bytes) = (plane.channels * plane.depth / 8, plane.depth / 8)
    var samples: [UInt8] = []
    samples.reserveCapacity(plane.samples.count + mask.samples.count)
    for pixel in 0..<plane.width * plane.height {
      samples += plane.samples[pixel * colour..<(pixel + 1) * colour]
      samples += mask.samples[pixel * bytes..<(pixel + 1) * bytes]
    }
    return PixelDigest(
      width: plane.width, height: plane.height, channels: plane.channels + 1, depth: plane.depth, samples: samples)
  }

  /// Samples as `PNGImage` has them, without opacity.
  private struct Plane {
    let width: Int
    let height: Int
    let channels: Int
    let depth: Int
    let samples: [UInt8]

    /// Nil when the object has another size, colours that have no counterpart in a PNG, or damaged data.
    init?(_ object: PDFDocument.Object, _ width: Int, _ height: Int, _ document: inout PDFDocument) {
      let dictionary = object.value
      guard document.resolve(dictionary["Width"])?.int == width,
        document.resolve(dictionary["Height"])?.int == height,
        let bits = document.resolve(dictionary["BitsPerComponent"])?.int, [1, 2, 4, 8, 16].contains(bits),
        let space = ColourSpace(dictionary["ColorSpace"], &document),
        Self.isPlain(document.resolve(dictionary["Decode"]), space, bits),
        let data = try? document.decoded(object)
      else { return nil }
      let row = (width * space.components * bits + 7) / 8
      guard data.count / height >= row else { return nil }
      self.width = width
      self.height = height
      guard bits < 8 || space.palette != nil else {
        (channels, depth, samples) = (space.components, bits, Array(data[..<(row * height)]))
        return
      }
      guard bits <= 8, document.limits.unpacked >= width * height * (space.palette == nil ? 1 : 3) else { return nil }
      var out: [UInt8] = []
      let factor = UInt8(255 / (1 << bits - 1))
      for y in 0..<height {
        for x in 0..<width * space.components {
          let byte = data[y * row + x * bits / 8]
          let value = byte >> UInt8(8 - bits - x * bits % 8) & UInt8(1 << bits - 1)
          guard let palette = space.palette else {
            out.append(value &* factor)
            continue
          }
          let start = Int(value) * space.entry
          guard start + space.entry <= palette.count else { return nil }
          out += palette[start..<start + space.entry]
        }
      }
      document.spend(out.count)
      (channels, depth, samples) = (space.entry, 8, out)
    }

    // The decode array that says nothing (8.9.5.2).
    private static func isPlain(_ decode: PDFValue?, _ space: ColourSpace, _ bits: Int) -> Bool {
      guard let numbers = decode?.array else { return decode == nil }
      let top = space.palette == nil ? 1 : 1 << bits - 1
      return numbers.count <= 6
        && numbers.enumerated().allSatisfy { index, value in
          let wanted = index % 2 == 0 ? 0 : top
          if case .real(let text) = value { return Double(String(decoding: text, as: UTF8.self)) == Double(wanted) }
          return value.int == wanted
        }
    }
  }

  /// Grey or RGB, or a palette of these (8.6).
  private struct ColourSpace {
    /// Samples of a pixel.
    let components: Int
    /// Samples of a colour: of an entry of the palette where there is one.
    let entry: Int
    let palette: [UInt8]?

    init?(_ value: PDFValue?, _ document: inout PDFDocument, isBase: Bool = false) {
      guard let value = document.resolve(value) else { return nil }
      let family = value.array.flatMap { document.resolve($0.first) } ?? value
      if family.isName("DeviceGray") || family.isName("CalGray") {
        (components, entry, palette) = (1, 1, nil)
      } else if family.isName("DeviceRGB") || family.isName("CalRGB") {
        (components, entry, palette) = (3, 3, nil)
      } else if family.isName("ICCBased"), let parts = value.array, parts.count == 2,
        let count = document.resolve(document.resolve(parts[1])?["N"])?.int, count == 1 || count == 3
      {
        (components, entry, palette) = (count, count, nil)
      } else if family.isName("Indexed"), !isBase, let parts = value.array, parts.count == 4,
        let base = ColourSpace(parts[1], &document, isBase: true)
      {
        let table = document.resolve(parts[3])
        var colours = table?.string
        if colours == nil, let object = document.object(parts[3]) { colours = try? document.decoded(object) }
        guard let colours else { return nil }
        (components, entry, palette) = (1, base.entry, colours)
      } else {
        return nil
      }
    }
  }
}
