import RungCore

extension Claim {
  /// A number, or several, that a claim speaks of.
  public indirect enum Quantity: Hashable, Sendable {
    /// A number that stands in the file, or the value of a parameter by its name.
    case number(Double, name: String?)
    /// The value of an axis in the cell, or a field of it as `axis.field`.
    case axis(String)
    /// The numbers at a place in an output.
    case pointer(Pointer)
    /// The exponent of a power law: the slope of ln `of` against ln of an axis or of the numbers at another place.
    case exponent(of: Pointer, along: Abscissa)

    /// What a power law runs along.
    public enum Abscissa: Hashable, Sendable {
      /// The numeric values of an axis.
      case axis(String)
      /// Numbers at another place of the same output.
      case pointer(Pointer)
    }

    /// The outputs that it needs.
    public var outputs: [StepOutput] {
      switch self {
      case .number, .axis: []
      case .pointer(let pointer): [pointer.output]
      case .exponent(let pointer, .axis): [pointer.output]
      case .exponent(let pointer, .pointer(let other)): [pointer.output, other.output]
      }
    }

    /// As the file has it.
    public var text: String {
      switch self {
      case .number(let value, let name): name ?? JSON.double(value).compact
      case .axis(let name): name
      case .pointer(let pointer): pointer.text
      case .exponent(let pointer, .axis(let axis)): "exponent of \(pointer.text) along \(axis)"
      case .exponent(let pointer, .pointer(let other)): "exponent of \(pointer.text) along \(other.text)"
      }
    }
  }

  /// `fit.metrics#/curve/*/loss`: a place in the JSON of an output (RFC 6901), where `*` stands for every member.
  public struct Pointer: Hashable, Sendable {
    /// The output.
    public var output: StepOutput
    /// The place in it.
    public var place: JSONPointer

    /// A place in an output.
    public init(output: StepOutput, place: JSONPointer) {
      self.output = output
      self.place = place
    }

    /// As the file has it.
    public var text: String { "\(output.source)#\(place.text)" }
  }
}
