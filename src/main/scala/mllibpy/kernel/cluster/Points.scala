package mllibpy.kernel.cluster

import mllibpy.kernel.linear.{DenseDoubles, DenseExamples, Examples}

/** Rows without targets. */
object Points {

  /** Packed float64 rows as a block. */
  def dense(packed: Array[Double], features: Int, weights: Array[Double]): DenseExamples = {
    val stride = DenseDoubles.padded(features)
    val rows = packed.length / features
    val values = new Array[Double](rows * stride)
    for (r <- 0 until rows) System.arraycopy(packed, r * features, values, r * stride, features)
    new DenseExamples(features, values, new Array[Double](rows), weights)
  }

  /** A row as float64 numbers; of the cosine distance, of length 1. */
  def row(block: Examples, row: Int, cosine: Boolean): Array[Double] = {
    val out = new Array[Double](block.features)
    block.addTo(row, 1, out, 0)
    if (cosine) {
      val length = Math.sqrt(Search.square(out, 0, out.length))
      if (length > 0) for (f <- out.indices) out(f) /= length
    }
    out
  }
}
