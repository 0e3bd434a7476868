import RungFormats
import Testing

@Suite struct NumPyTests {
  private func compare(_ a: [UInt8], _ b: [UInt8], _ tolerance: NumberTolerance? = nil) -> OutputComparison.Verdict {
    OutputComparison.compare(a, b, named: "array", tolerance: tolerance)
  }

  @Test func anElementIsNamedByItsIndices() {
    let values = (0..<6).map(Double.init)
    var others = values
    others[4] = 4.5
    others[5] = 5.5
    let a = MadeNumPy.array("<f8", [2, 3], MadeNumPy.doubles(values))
    let b = MadeNumPy.array("<f8", [2, 3], MadeNumPy.doubles(others))
    let first = "[1,1]: 4.0 and 4.5 (relative difference 0.11); 2 of 6 elements differ"
    #expect(compare(a, b) == .different(first: "element \(first)"))
    let archive = compare(MadeNumPy.archive([("w.npy", a)]), MadeNumPy.archive([("w.npy", b)]))
    #expect(archive == .different(first: "array 'w' \(first)"))
    #expect(compare(a, b, NumberTolerance(absolute: 0.5)) == .within(largestAbsolute: 0.5, largestRelative: 0.5 / 4.5))
    #expect(
      compare(a, MadeNumPy.array("<f8", [3, 2], MadeNumPy.doubles(values)))
        == .different(first: "shapes [2,3] and [3,2]"))
    let scalar = [1.0, 2.0].map { MadeNumPy.array("<f8", [], MadeNumPy.doubles([$0])) }
    #expect(compare(scalar[0], scalar[1]) == .different(first: "element: 1.0 and 2.0 (relative difference 0.5)"))
  }

  @Test(arguments: [
    ("|b1", 1, "True and False"), ("|i1", 1, "1 and 0"), ("<u2", 2, "1 and 0"), ("<i4", 4, "1 and 0"),
    ("<u8", 8, "1 and 0"), ("<i8", 8, "1 and 0"), ("|S3", 3, #"'\u0001' and ''"#), ("<U1", 4, #"'\u0001' and ''"#),
  ])
  func everyTypeIsRead(_ type: String, _ size: Int, _ shown: String) throws {
    let a = MadeNumPy.array(type, [2], MadeNumPy.little(7, size) + MadeNumPy.little(1, size))
    let b = MadeNumPy.array(type, [2], MadeNumPy.little(7, size) + MadeNumPy.little(0, size))
    guard case .different(let first) = compare(a, b) else {
      Issue.record("the same")
      return
    }
    #expect(first.hasPrefix("element [1]: \(shown)"))
    #expect(first.hasSuffix("; 1 of 2 elements differ"))
    // The same with the largest byte first.
    guard size > 1, !type.hasPrefix("|") else { return }
    let turned = MadeNumPy.array(
      ">" + type.dropFirst(), [2], MadeNumPy.little(7, size).reversed() + MadeNumPy.little(1, size).reversed())
    #expect(compare(a, turned, NumberTolerance()) == sameValue)
    #expect(try NumPyArray(turned).isBigEndian)
  }

  @Test func floatsOfAllSizesAreRead() {
    func half(_ bits: Int) -> [UInt8] { MadeNumPy.array("<f2", [1], MadeNumPy.little(bits, 2)) }
    #expect(
      compare(half(0x3C00), half(0x4000)) == .different(first: "element [0]: 1.0 and 2.0 (relative difference 0.5)"))
    #expect(
      compare(half(0x0001), half(0x8001))
        == .different(first: "element [0]: 5.9604645e-08 and -5.9604645e-08 (relative difference 2)"))
    #expect(compare(half(0x7C00), half(0xFBFF)) == .different(first: "element [0]: inf and -65504.0"))
    #expect(compare(half(0x7E00), half(0xFE01), NumberTolerance()) == sameValue)  // NaN and NaN
    #expect(compare(half(0x0000), half(0x8000), NumberTolerance()) == sameValue)
    let (one, tenth) = (Int(Float(1).bitPattern), Int(Float(0.1).bitPattern))
    let single = [one, tenth].map { MadeNumPy.array("<f4", [], MadeNumPy.little($0, 4)) }
    #expect(compare(single[0], single[1]) == .different(first: "element: 1.0 and 0.1 (relative difference 0.9)"))
    let complex = [[3.0, 4], [3, -4.5]].map { MadeNumPy.array("<c16", [1], MadeNumPy.doubles($0)) }
    #expect(compare(complex[0], complex[1]) == .different(first: "element [0]: 3.0+4.0i and 3.0-4.5i"))
    let near = MadeNumPy.array("<c16", [1], MadeNumPy.doubles([3, 4.5]))
    #expect(
      compare(complex[0], near, NumberTolerance(absolute: 0.5))
        == .within(largestAbsolute: 0.5, largestRelative: 0.5 / (29.25).squareRoot()))
    #expect(
      compare(complex[0], MadeNumPy.array("<f8", [1], MadeNumPy.doubles([3])), nearly)
        == .different(first: "elements of type complex128 and float64"))
  }

  @Test func theOrderOfIndicesIsNoDifference() throws {
    let shape = [2, 3, 4]
    let values = (0..<24).map(Double.init)
    var turned: [Double] = []
    for k in 0..<4 { for j in 0..<3 { for i in 0..<2 { turned.append(values[(i * 3 + j) * 4 + k]) } } }
    let c = MadeNumPy.array("<f8", shape, MadeNumPy.doubles(values))
    let fortran = MadeNumPy.array("<f8", shape, MadeNumPy.doubles(turned), isFortran: true)
    #expect(compare(c, fortran, NumberTolerance()) == sameValue)
    #expect(compare(fortran, c, NumberTolerance()) == sameValue)
    turned[5] = -1  // [1,2,0]
    let other = MadeNumPy.array("<f8", shape, MadeNumPy.doubles(turned), isFortran: true)
    let first = "element [1,2,0]: 20.0 and -1.0 (relative difference 1); 1 of 24 elements differ"
    #expect(compare(c, other) == .different(first: first.replacing("difference 1)", with: "difference 1.1)")))
    #expect(compare(fortran, other) == compare(c, other))
    #expect(
      compare(MadeNumPy.array("<f8", [0, 3], []), MadeNumPy.array(">f8", [0, 3], [], isFortran: true), nearly)
        == sameValue)
  }

  @Test func everyVersionOfTheHeaderIsRead() {
    let data = MadeNumPy.doubles([1, 2])
    let first = MadeNumPy.array("<f8", [2], data)
    for other in [
      MadeNumPy.array("<f8", [2], data, version: 2), MadeNumPy.array("<f8", [2], data, version: 3),
      MadeNumPy.file("{\"shape\":(2L,),'fortran_order':False,'descr':'<f8'}\n", data),
    ] {
      #expect(compare(first, other, NumberTolerance()) == sameValue)
    }
    #expect(throws: FormatError.self) { try NumPyArray(MadeNumPy.array("<f8", [2], data, version: 4)) }
  }

  @Test func whatIsNoPlainArrayIsBytes() {
    let data = MadeNumPy.doubles([1, 2])
    for header in [
      "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
      "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,), }",
      "{'descr': '<f8', 'fortran_order': 0, 'shape': (2,), }", "{'descr': '<f8', 'shape': (2,), }", "{", "",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), } x", "{'descr': '<f8' 'shape': (2,)}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999999999, 999999999999999999), }",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (-2,), }",
      "{'descr': '<f3', 'fortran_order': False, 'shape': (2,), }",
      "{'descr': '|S0', 'fortran_order': False, 'shape': (999999999999999999,), }",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }",
    ] {
      let file = MadeNumPy.file(header, data)
      #expect(throws: FormatError.self, "\(header)") { try NumPyArray(file) }
      #expect(
        compare(file, file + [0], nearly)
          == .different(first: "lengths \(file.count) and \(file.count + 1), the same up to the end of the shorter one")
      )
    }
  }

  @Test func anArchiveIsWhatIsInIt() {
    let w = MadeNumPy.array("<f8", [2], MadeNumPy.doubles([1, 2]))
    let note = Array("{\"a\": 1}".utf8)
    let files: [(name: String, content: [UInt8])] = [("w.npy", w), ("note.json", note)]
    let plain = MadeNumPy.archive(files)
    for other in [
      MadeNumPy.archive(files, isDeflated: true), MadeNumPy.archive(files.reversed()),
      MadeNumPy.archive(files, isLarge: true), MadeNumPy.archive(files, isDeflated: true, isLarge: true),
    ] {
      #expect(compare(plain, other, NumberTolerance()) == sameValue)
      #expect(compare(plain, other) == .different(first: "only the packing of the archive differs"))
    }
    let later = MadeNumPy.archive(files, time: 0x5A21_7C03)
    #expect(compare(plain, later) == .different(first: "only the archive's time stamps differ"))
    #expect(compare(plain, later, NumberTolerance()) == sameValue)
    #expect(
      compare(plain, MadeNumPy.archive([files[0]]))
        == .different(first: "file 'note.json' is only in the first archive"))
    #expect(
      compare(plain, MadeNumPy.archive(files + [("x", [])]))
        == .different(first: "file 'x' is only in the second archive"))
    let noted = MadeNumPy.archive([files[0], ("note.json", Array("{\"a\": 2}".utf8))])
    #expect(compare(plain, noted) == .different(first: "file 'note.json': #/a: 1 and 2 (relative difference 0.5)"))
    #expect(compare(plain, noted, NumberTolerance(relative: 0.5)) == .within(largestAbsolute: 1, largestRelative: 0.5))
  }

  // numpy.savez_compressed(…, w=numpy.arange(6, dtype='<f4').reshape(2, 3).T, n=numpy.array('né')), NumPy 2.4.
  private static let real = """
    504b03042d0000000800000021001a55ee69ffffffffffffffff05001400772e6e707901001000980000000000000054000000000000009b
    ec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a2aea3a09e965f54529498179f5f94920a120f292a4d050a17672416a402b91ac6
    3a0a469a3a0ab50ae4032e063068b007120e4004c40d40bcc00100504b03042d0000000800000021001b100825ffffffffffffffff050014
    006e2e6e707901001000880000000000000049000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e136aa4aea3a09e96
    5f54529498179f5f94920a12774bcc294e058a17672416a402f91a9a3a0ab50a1401ae3c06068697400c00504b01022d032d000000080000
    0021001a55ee695400000098000000050000000000000000000000800100000000772e6e7079504b01022d032d0000000800000021001b10
    0825490000008800000005000000000000000000000080018b0000006e2e6e7079504b05060000000002000200660000000b0100000000
    """

  @Test func anArchiveOfNumPyItselfIsRead() throws {
    let digits = Array(Self.real.utf8.filter { $0 > 32 })
    let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)
    }
    let w = MadeNumPy.array(
      ">f4", [3, 2], [0, 3, 1, 4, 2, 5].flatMap { MadeNumPy.little(Int(Float($0).bitPattern), 4).reversed() })
    let n = MadeNumPy.array("<U2", [], MadeNumPy.little(0x6E, 4) + MadeNumPy.little(0xE9, 4))
    #expect(compare(bytes, MadeNumPy.archive([("n.npy", n), ("w.npy", w)]), NumberTolerance()) == sameValue)
    let m = MadeNumPy.array("<U3", [], MadeNumPy.little(0x6E, 4) + MadeNumPy.little(0x65, 4) + MadeNumPy.little(0, 4))
    #expect(
      compare(bytes, MadeNumPy.archive([("n.npy", m), ("w.npy", w)]), nearly)
        == .different(first: "array 'n': 'né' and 'ne'"))
  }
}
