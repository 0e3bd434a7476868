import RungCore

/// A theory's prediction held against a measurement, as a pipeline declares it (docs/formats/claims.md).
public struct Claim: Hashable, Sendable {
  /// The name within its pipeline.
  public var name: String
  /// The sentence that it stands for; nil when the file says none.
  public var says: String?
  /// What is examined.
  public var test: Test
  /// What the author expects to come out.
  public var expectation: Expectation
  /// Where it was declared.
  public var location: SourceLocation?

  /// What a claim examines.
  public enum Test: Hashable, Sendable {
    /// A measurement against a prediction or a bound.
    case comparison(Comparison)
    /// That a result was made without any use of something.
    case independence(Independence)
  }

  /// What the author of a claim expects.
  public enum Expectation: String, Hashable, Sendable, CaseIterable {
    /// The prediction is right there.
    case holds
    /// It is wrong there: the boundary of a theory is a result, too.
    case breaks
  }

  /// A claim.
  public init(
    name: String, says: String? = nil, test: Test, expectation: Expectation = .holds, location: SourceLocation? = nil
  ) {
    self.name = name
    self.says = says
    self.test = test
    self.expectation = expectation
    self.location = location
  }

  /// A measurement against a prediction or a bound.
  public struct Comparison: Hashable, Sendable {
    /// What was measured.
    public var measured: Quantity
    /// What it is held against.
    public var bound: Bound
    /// The axes over which it is evaluated, one cell for each combination of their values.
    public var over: [String]
    /// Where it is evaluated: all conditions hold.
    public var regime: [Condition]
    /// What becomes of the replicates.
    public var statistic: Statistic

    /// A comparison.
    public init(
      measured: Quantity, bound: Bound, over: [String] = [], regime: [Condition] = [], statistic: Statistic = .mean
    ) {
      self.measured = measured
      self.bound = bound
      self.over = over
      self.regime = regime
      self.statistic = statistic
    }
  }

  /// What a measurement is held against.
  public enum Bound: Hashable, Sendable {
    /// A predicted value, and how far from it the measurement may lie.
    case within(Tolerance, of: Quantity)
    /// Not above this.
    case atMost(Quantity)
    /// Not below this.
    case atLeast(Quantity)
  }

  /// How far a measurement may lie from a prediction.
  public enum Tolerance: Hashable, Sendable {
    /// In the unit of the measurement.
    case absolute(Double)
    /// Times the size of the prediction.
    case relative(Double)
    /// Of the natural logarithm of their ratio.
    case log(Double)
    /// In standard deviations of the replicates.
    case sigma(Double)
    /// In standard errors of the mean.
    case standardErrors(Double)
    /// Inside the 95 % interval of the measurement.
    case interval
  }

  /// What becomes of the replicates of a measurement.
  public enum Statistic: String, Hashable, Sendable, CaseIterable {
    /// Their mean, with Student's interval.
    case mean
    /// Their median, with the interval that order statistics give: for heavy tails.
    case median
  }

  /// That a result was made without any use of something, directly or through what it was made from.
  public struct Independence: Hashable, Sendable {
    /// The result.
    public var result: StepOutput
    /// What it must not have seen.
    public var subject: Subject

    /// What a result must not have seen.
    public enum Subject: Hashable, Sendable {
      /// An output of a step.
      case output(StepOutput)
      /// A file of the project.
      case file(RelativePath)
    }

    /// The independence of a result.
    public init(result: StepOutput, of subject: Subject) {
      self.result = result
      self.subject = subject
    }
  }

  /// `width >= 512`: a condition on an axis value.
  public struct Condition: Hashable, Sendable {
    /// The axis, or a field of one as `axis.field`.
    public var axis: String
    /// How they compare.
    public var relation: Relation
    /// What the value is compared with.
    public var value: JSON

    /// How two values compare.
    public enum Relation: String, Hashable, Sendable, CaseIterable {
      /// The same number, or the same text.
      case equal = "="
      /// Not the same.
      case unequal = "!="
      /// Smaller.
      case below = "<"
      /// Smaller or equal.
      case atMost = "<="
      /// Larger.
      case above = ">"
      /// Larger or equal.
      case atLeast = ">="
    }

    /// A condition.
    public init(axis: String, relation: Relation, value: JSON) {
      self.axis = axis
      self.relation = relation
      self.value = value
    }

    /// As the file has it.
    public var text: String {
      let shown = if case .string(let text) = value { text } else { value.compact }
      return "\(axis) \(relation.rawValue) \(shown)"
    }
  }

  /// Every output of a step that the claim needs, each once.
  public var outputs: [StepOutput] {
    let all: [StepOutput] =
      switch test {
      case .independence(let independence):
        if case .output(let subject) = independence.subject {
          [independence.result, subject]
        } else {
          [independence.result]
        }
      case .comparison(let comparison):
        switch comparison.bound {
        case .within(_, let quantity), .atMost(let quantity), .atLeast(let quantity):
          comparison.measured.outputs + quantity.outputs
        }
      }
    return all.enumerated().filter { index, output in !all[..<index].contains(output) }.map(\.element)
  }
}
