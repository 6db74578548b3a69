package mllibpy.kernel.linear

/** How the rows of a data set stand in its blocks. */
sealed abstract class Form extends Serializable {

  /** What so many features are padded to. */
  def stride(features: Int): Int
}

object Form {

  /** Dense rows of float64 numbers: [[DenseExamples]]. */
  case object Doubles extends Form {
    def stride(features: Int): Int = DenseDoubles.padded(features)
  }

  /** Dense rows of float32 numbers: [[FloatExamples]]. */
  case object Floats extends Form { def stride(features: Int): Int = DenseFloats.padded(features) }

  /** What is not 0 alone: [[SparseExamples]]. */
  case object Sparse extends Form { def stride(features: Int): Int = features }
}
