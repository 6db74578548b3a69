package mllibpy.kernel.linear

import jdk.incubator.vector.{DoubleVector, FloatVector, VectorOperators, VectorShape, VectorSpecies}

/** [[DenseFloats]] on the JDK's Vector API: half a vector of float32 numbers becomes a vector of
  * float64 ones as it is loaded. Else as [[VectorDoubles]].
  */
object VectorFloats extends DenseFloats {
  private final val Wide: VectorSpecies[java.lang.Double] = VectorDoubles.Species
  private final val Half: VectorSpecies[java.lang.Float] =
    VectorSpecies.of(java.lang.Float.TYPE, VectorShape.forBitSize(Wide.vectorBitSize / 2))
  private final val L: Int = Wide.length

  private def load(x: Array[Float], at: Int): DoubleVector =
    FloatVector
      .fromArray(Half, x, at)
      .convertShape(VectorOperators.F2D, Wide, 0)
      .asInstanceOf[DoubleVector]

  def margins(
      x: Array[Float],
      stride: Int,
      from: Int,
      n: Int,
      w: Array[Double],
      out: Array[Double]
  ): Unit = {
    var r = 0
    while (r + 4 <= n) {
      dots4(x, (from + r) * stride, stride, w, out, r)
      r += 4
    }
    while (r < n) {
      out(r) = dot(x, (from + r) * stride, stride, w)
      r += 1
    }
  }

  private def dots4(
      x: Array[Float],
      at: Int,
      stride: Int,
      w: Array[Double],
      out: Array[Double],
      r: Int
  ): Unit = {
    var a0 = DoubleVector.zero(Wide)
    var a1 = DoubleVector.zero(Wide)
    var a2 = DoubleVector.zero(Wide)
    var a3 = DoubleVector.zero(Wide)
    var f = 0
    var p = at
    while (f < stride) {
      val v = DoubleVector.fromArray(Wide, w, f)
      a0 = load(x, p).fma(v, a0)
      a1 = load(x, p + stride).fma(v, a1)
      a2 = load(x, p + 2 * stride).fma(v, a2)
      a3 = load(x, p + 3 * stride).fma(v, a3)
      f += L
      p += L
    }
    out(r) = a0.reduceLanes(VectorOperators.ADD)
    out(r + 1) = a1.reduceLanes(VectorOperators.ADD)
    out(r + 2) = a2.reduceLanes(VectorOperators.ADD)
    out(r + 3) = a3.reduceLanes(VectorOperators.ADD)
  }

  // In the order of `dots4`, so that a margin does not depend on which rows stand beside it.
  private def dot(x: Array[Float], at: Int, stride: Int, w: Array[Double]): Double = {
    var a = DoubleVector.zero(Wide)
    var f = 0
    while (f < stride) {
      a = load(x, at + f).fma(DoubleVector.fromArray(Wide, w, f), a)
      f += L
    }
    a.reduceLanes(VectorOperators.ADD)
  }

  def accumulate(
      x: Array[Float],
      stride: Int,
      from: Int,
      n: Int,
      c: Array[Double],
      sums: Array[Double]
  ): Unit = {
    var f = 0
    while (f + 4 * L <= stride) {
      add4(x, from * stride + f, stride, n, c, sums, f)
      f += 4 * L
    }
    while (f < stride) {
      add1(x, from * stride + f, stride, n, c, sums, f)
      f += L
    }
  }

  private def add4(
      x: Array[Float],
      at: Int,
      stride: Int,
      n: Int,
      c: Array[Double],
      sums: Array[Double],
      f: Int
  ): Unit = {
    var a0 = DoubleVector.fromArray(Wide, sums, f)
    var a1 = DoubleVector.fromArray(Wide, sums, f + L)
    var a2 = DoubleVector.fromArray(Wide, sums, f + 2 * L)
    var a3 = DoubleVector.fromArray(Wide, sums, f + 3 * L)
    var r = 0
    var p = at
    while (r < n) {
      val b = DoubleVector.broadcast(Wide, c(r))
      a0 = load(x, p).fma(b, a0)
      a1 = load(x, p + L).fma(b, a1)
      a2 = load(x, p + 2 * L).fma(b, a2)
      a3 = load(x, p + 3 * L).fma(b, a3)
      r += 1
      p += stride
    }
    a0.intoArray(sums, f)
    a1.intoArray(sums, f + L)
    a2.intoArray(sums, f + 2 * L)
    a3.intoArray(sums, f + 3 * L)
  }

  private def add1(
      x: Array[Float],
      at: Int,
      stride: Int,
      n: Int,
      c: Array[Double],
      sums: Array[Double],
      f: Int
  ): Unit = {
    var a = DoubleVector.fromArray(Wide, sums, f)
    var r = 0
    var p = at
    while (r < n) {
      a = load(x, p).fma(DoubleVector.broadcast(Wide, c(r)), a)
      r += 1
      p += stride
    }
    a.intoArray(sums, f)
  }
}
