package mllibpy.kernel.cluster

import jdk.incubator.vector.{DoubleVector, FloatVector, VectorOperators, VectorSpecies}
import mllibpy.kernel.VectorArithmetic

/** [[CentreTiles]] on the JDK's Vector API: 8 rows by 2 vectors of scores stay in registers while
  * the features go by. Numbers of centres are kept as numbers of the scores' own type, so that no
  * other kind of vector is used beside them.
  */
object VectorCentreTiles extends CentreTiles {
  private[cluster] def works: Boolean =
    LSingle >= 4 && LDouble >= 2 && VectorArithmetic.works

  // ---- floats

  private final val Singles: VectorSpecies[java.lang.Float] = {
    val preferred = FloatVector.SPECIES_PREFERRED
    if (preferred.length > 16) FloatVector.SPECIES_512 else preferred
  }
  private final val LSingle: Int = Singles.length
  def singleLanes: Int = LSingle

  def scores(
      x: Array[Float],
      at: Int,
      stride: Int,
      features: Int,
      panel: Array[Float],
      p: Int,
      width: Int,
      out: Array[Float]
  ): Unit = {
    var i = 0
    while (i + LSingle < width) {
      scores8x2(x, at, stride, features, panel, p + i, out, i)
      i += 2 * LSingle
    }
    if (i < width) scores8x1(x, at, stride, features, panel, p + i, out, i)
  }

  private def scores8x1(
      x: Array[Float],
      at: Int,
      k: Int,
      features: Int,
      panel: Array[Float],
      p: Int,
      out: Array[Float],
      to: Int
  ): Unit = {
    val w = CentreTiles.SingleWidth
    val offset = FloatVector.fromArray(Singles, panel, p)
    var a0 = offset; var a1 = offset; var a2 = offset; var a3 = offset
    var a4 = offset; var a5 = offset; var a6 = offset; var a7 = offset
    var j = 0
    var o = p + w
    while (j < features) {
      val q = at + j
      val y = FloatVector.fromArray(Singles, panel, o)
      a0 = FloatVector.broadcast(Singles, x(q)).fma(y, a0)
      a1 = FloatVector.broadcast(Singles, x(q + k)).fma(y, a1)
      a2 = FloatVector.broadcast(Singles, x(q + 2 * k)).fma(y, a2)
      a3 = FloatVector.broadcast(Singles, x(q + 3 * k)).fma(y, a3)
      a4 = FloatVector.broadcast(Singles, x(q + 4 * k)).fma(y, a4)
      a5 = FloatVector.broadcast(Singles, x(q + 5 * k)).fma(y, a5)
      a6 = FloatVector.broadcast(Singles, x(q + 6 * k)).fma(y, a6)
      a7 = FloatVector.broadcast(Singles, x(q + 7 * k)).fma(y, a7)
      o += w
      j += 1
    }
    a0.intoArray(out, to)
    a1.intoArray(out, to + w)
    a2.intoArray(out, to + 2 * w)
    a3.intoArray(out, to + 3 * w)
    a4.intoArray(out, to + 4 * w)
    a5.intoArray(out, to + 5 * w)
    a6.intoArray(out, to + 6 * w)
    a7.intoArray(out, to + 7 * w)
  }

  private def scores8x2(
      x: Array[Float],
      at: Int,
      k: Int,
      features: Int,
      panel: Array[Float],
      p: Int,
      out: Array[Float],
      to: Int
  ): Unit = {
    val w = CentreTiles.SingleWidth
    val l = LSingle
    val offset0 = FloatVector.fromArray(Singles, panel, p)
    val offset1 = FloatVector.fromArray(Singles, panel, p + l)
    var a0 = offset0; var a1 = offset0; var a2 = offset0; var a3 = offset0
    var a4 = offset0; var a5 = offset0; var a6 = offset0; var a7 = offset0
    var c0 = offset1; var c1 = offset1; var c2 = offset1; var c3 = offset1
    var c4 = offset1; var c5 = offset1; var c6 = offset1; var c7 = offset1
    var j = 0
    var o = p + w
    while (j < features) {
      val q = at + j
      val y = FloatVector.fromArray(Singles, panel, o)
      val z = FloatVector.fromArray(Singles, panel, o + l)
      val b0 = FloatVector.broadcast(Singles, x(q)); a0 = b0.fma(y, a0); c0 = b0.fma(z, c0)
      val b1 = FloatVector.broadcast(Singles, x(q + k)); a1 = b1.fma(y, a1); c1 = b1.fma(z, c1)
      val b2 = FloatVector.broadcast(Singles, x(q + 2 * k)); a2 = b2.fma(y, a2); c2 = b2.fma(z, c2)
      val b3 = FloatVector.broadcast(Singles, x(q + 3 * k)); a3 = b3.fma(y, a3); c3 = b3.fma(z, c3)
      val b4 = FloatVector.broadcast(Singles, x(q + 4 * k)); a4 = b4.fma(y, a4); c4 = b4.fma(z, c4)
      val b5 = FloatVector.broadcast(Singles, x(q + 5 * k)); a5 = b5.fma(y, a5); c5 = b5.fma(z, c5)
      val b6 = FloatVector.broadcast(Singles, x(q + 6 * k)); a6 = b6.fma(y, a6); c6 = b6.fma(z, c6)
      val b7 = FloatVector.broadcast(Singles, x(q + 7 * k)); a7 = b7.fma(y, a7); c7 = b7.fma(z, c7)
      o += w
      j += 1
    }
    a0.intoArray(out, to); c0.intoArray(out, to + l)
    a1.intoArray(out, to + w); c1.intoArray(out, to + w + l)
    a2.intoArray(out, to + 2 * w); c2.intoArray(out, to + 2 * w + l)
    a3.intoArray(out, to + 3 * w); c3.intoArray(out, to + 3 * w + l)
    a4.intoArray(out, to + 4 * w); c4.intoArray(out, to + 4 * w + l)
    a5.intoArray(out, to + 5 * w); c5.intoArray(out, to + 5 * w + l)
    a6.intoArray(out, to + 6 * w); c6.intoArray(out, to + 6 * w + l)
    a7.intoArray(out, to + 7 * w); c7.intoArray(out, to + 7 * w + l)
  }

  def keep(
      scores: Array[Float],
      width: Int,
      code: Int,
      best: Array[Float],
      which: Array[Float],
      at: Int
  ): Unit = {
    var i = 0
    var next = code
    while (i < width) {
      val c = FloatVector.broadcast(Singles, next.toFloat)
      var r = 0
      while (r < CentreTiles.Rows) {
        val v = FloatVector.fromArray(Singles, scores, r * CentreTiles.SingleWidth + i)
        val b = FloatVector.fromArray(Singles, best, at + r * LSingle)
        val w = FloatVector.fromArray(Singles, which, at + r * LSingle)
        val m = v.compare(VectorOperators.GT, b)
        b.blend(v, m).intoArray(best, at + r * LSingle)
        w.blend(c, m).intoArray(which, at + r * LSingle)
        r += 1
      }
      next += 1
      i += LSingle
    }
  }

  def keepTwo(
      scores: Array[Float],
      width: Int,
      code: Int,
      best: Array[Float],
      which: Array[Float],
      second: Array[Float],
      at: Int
  ): Unit = {
    var i = 0
    var next = code
    while (i < width) {
      val c = FloatVector.broadcast(Singles, next.toFloat)
      var r = 0
      while (r < CentreTiles.Rows) {
        val v = FloatVector.fromArray(Singles, scores, r * CentreTiles.SingleWidth + i)
        val b = FloatVector.fromArray(Singles, best, at + r * LSingle)
        val w = FloatVector.fromArray(Singles, which, at + r * LSingle)
        val s = FloatVector.fromArray(Singles, second, at + r * LSingle)
        val m = v.compare(VectorOperators.GT, b)
        val less = v.blend(b, m)
        b.blend(v, m).intoArray(best, at + r * LSingle)
        w.blend(c, m).intoArray(which, at + r * LSingle)
        s.blend(less, less.compare(VectorOperators.GT, s)).intoArray(second, at + r * LSingle)
        r += 1
      }
      next += 1
      i += LSingle
    }
  }

  // ---- doubles

  private final val Doubles: VectorSpecies[java.lang.Double] = {
    val preferred = DoubleVector.SPECIES_PREFERRED
    if (preferred.length > 8) DoubleVector.SPECIES_512 else preferred
  }
  private final val LDouble: Int = Doubles.length
  def doubleLanes: Int = LDouble

  def scores(
      x: Array[Double],
      at: Int,
      stride: Int,
      features: Int,
      panel: Array[Double],
      p: Int,
      width: Int,
      out: Array[Double]
  ): Unit = {
    var i = 0
    while (i + LDouble < width) {
      scores8x2(x, at, stride, features, panel, p + i, out, i)
      i += 2 * LDouble
    }
    if (i < width) scores8x1(x, at, stride, features, panel, p + i, out, i)
  }

  private def scores8x1(
      x: Array[Double],
      at: Int,
      k: Int,
      features: Int,
      panel: Array[Double],
      p: Int,
      out: Array[Double],
      to: Int
  ): Unit = {
    val w = CentreTiles.DoubleWidth
    val offset = DoubleVector.fromArray(Doubles, panel, p)
    var a0 = offset; var a1 = offset; var a2 = offset; var a3 = offset
    var a4 = offset; var a5 = offset; var a6 = offset; var a7 = offset
    var j = 0
    var o = p + w
    while (j < features) {
      val q = at + j
      val y = DoubleVector.fromArray(Doubles, panel, o)
      a0 = DoubleVector.broadcast(Doubles, x(q)).fma(y, a0)
      a1 = DoubleVector.broadcast(Doubles, x(q + k)).fma(y, a1)
      a2 = DoubleVector.broadcast(Doubles, x(q + 2 * k)).fma(y, a2)
      a3 = DoubleVector.broadcast(Doubles, x(q + 3 * k)).fma(y, a3)
      a4 = DoubleVector.broadcast(Doubles, x(q + 4 * k)).fma(y, a4)
      a5 = DoubleVector.broadcast(Doubles, x(q + 5 * k)).fma(y, a5)
      a6 = DoubleVector.broadcast(Doubles, x(q + 6 * k)).fma(y, a6)
      a7 = DoubleVector.broadcast(Doubles, x(q + 7 * k)).fma(y, a7)
      o += w
      j += 1
    }
    a0.intoArray(out, to)
    a1.intoArray(out, to + w)
    a2.intoArray(out, to + 2 * w)
    a3.intoArray(out, to + 3 * w)
    a4.intoArray(out, to + 4 * w)
    a5.intoArray(out, to + 5 * w)
    a6.intoArray(out, to + 6 * w)
    a7.intoArray(out, to + 7 * w)
  }

  private def scores8x2(
      x: Array[Double],
      at: Int,
      k: Int,
      features: Int,
      panel: Array[Double],
      p: Int,
      out: Array[Double],
      to: Int
  ): Unit = {
    val w = CentreTiles.DoubleWidth
    val l = LDouble
    val offset0 = DoubleVector.fromArray(Doubles, panel, p)
    val offset1 = DoubleVector.fromArray(Doubles, panel, p + l)
    var a0 = offset0; var a1 = offset0; var a2 = offset0; var a3 = offset0
    var a4 = offset0; var a5 = offset0; var a6 = offset0; var a7 = offset0
    var c0 = offset1; var c1 = offset1; var c2 = offset1; var c3 = offset1
    var c4 = offset1; var c5 = offset1; var c6 = offset1; var c7 = offset1
    var j = 0
    var o = p + w
    while (j < features) {
      val q = at + j
      val y = DoubleVector.fromArray(Doubles, panel, o)
      val z = DoubleVector.fromArray(Doubles, panel, o + l)
      val b0 = DoubleVector.broadcast(Doubles, x(q)); a0 = b0.fma(y, a0); c0 = b0.fma(z, c0)
      val b1 = DoubleVector.broadcast(Doubles, x(q + k)); a1 = b1.fma(y, a1); c1 = b1.fma(z, c1)
      val b2 = DoubleVector.broadcast(Doubles, x(q + 2 * k)); a2 = b2.fma(y, a2); c2 = b2.fma(z, c2)
      val b3 = DoubleVector.broadcast(Doubles, x(q + 3 * k)); a3 = b3.fma(y, a3); c3 = b3.fma(z, c3)
      val b4 = DoubleVector.broadcast(Doubles, x(q + 4 * k)); a4 = b4.fma(y, a4); c4 = b4.fma(z, c4)
      val b5 = DoubleVector.broadcast(Doubles, x(q + 5 * k)); a5 = b5.fma(y, a5); c5 = b5.fma(z, c5)
      val b6 = DoubleVector.broadcast(Doubles, x(q + 6 * k)); a6 = b6.fma(y, a6); c6 = b6.fma(z, c6)
      val b7 = DoubleVector.broadcast(Doubles, x(q + 7 * k)); a7 = b7.fma(y, a7); c7 = b7.fma(z, c7)
      o += w
      j += 1
    }
    a0.intoArray(out, to); c0.intoArray(out, to + l)
    a1.intoArray(out, to + w); c1.intoArray(out, to + w + l)
    a2.intoArray(out, to + 2 * w); c2.intoArray(out, to + 2 * w + l)
    a3.intoArray(out, to + 3 * w); c3.intoArray(out, to + 3 * w + l)
    a4.intoArray(out, to + 4 * w); c4.intoArray(out, to + 4 * w + l)
    a5.intoArray(out, to + 5 * w); c5.intoArray(out, to + 5 * w + l)
    a6.intoArray(out, to + 6 * w); c6.intoArray(out, to + 6 * w + l)
    a7.intoArray(out, to + 7 * w); c7.intoArray(out, to + 7 * w + l)
  }

  def keep(
      scores: Array[Double],
      width: Int,
      code: Int,
      best: Array[Double],
      which: Array[Double],
      at: Int
  ): Unit = {
    var i = 0
    var next = code
    while (i < width) {
      val c = DoubleVector.broadcast(Doubles, next.toDouble)
      var r = 0
      while (r < CentreTiles.Rows) {
        val v = DoubleVector.fromArray(Doubles, scores, r * CentreTiles.DoubleWidth + i)
        val b = DoubleVector.fromArray(Doubles, best, at + r * LDouble)
        val w = DoubleVector.fromArray(Doubles, which, at + r * LDouble)
        val m = v.compare(VectorOperators.GT, b)
        b.blend(v, m).intoArray(best, at + r * LDouble)
        w.blend(c, m).intoArray(which, at + r * LDouble)
        r += 1
      }
      next += 1
      i += LDouble
    }
  }

  def keepTwo(
      scores: Array[Double],
      width: Int,
      code: Int,
      best: Array[Double],
      which: Array[Double],
      second: Array[Double],
      at: Int
  ): Unit = {
    var i = 0
    var next = code
    while (i < width) {
      val c = DoubleVector.broadcast(Doubles, next.toDouble)
      var r = 0
      while (r < CentreTiles.Rows) {
        val v = DoubleVector.fromArray(Doubles, scores, r * CentreTiles.DoubleWidth + i)
        val b = DoubleVector.fromArray(Doubles, best, at + r * LDouble)
        val w = DoubleVector.fromArray(Doubles, which, at + r * LDouble)
        val s = DoubleVector.fromArray(Doubles, second, at + r * LDouble)
        val m = v.compare(VectorOperators.GT, b)
        val less = v.blend(b, m)
        b.blend(v, m).intoArray(best, at + r * LDouble)
        w.blend(c, m).intoArray(which, at + r * LDouble)
        s.blend(less, less.compare(VectorOperators.GT, s)).intoArray(second, at + r * LDouble)
        r += 1
      }
      next += 1
      i += LDouble
    }
  }

  /** Two sums, so that an addition need not wait for the one before. */
  def dot(x: Array[Float], at: Int, y: Array[Float], from: Int, n: Int): Double = {
    var a = FloatVector.zero(Singles)
    var b = FloatVector.zero(Singles)
    var i = 0
    while (i + 2 * LSingle <= n) {
      val p = at + i
      val q = from + i
      a = FloatVector.fromArray(Singles, x, p).fma(FloatVector.fromArray(Singles, y, q), a)
      b = FloatVector
        .fromArray(Singles, x, p + LSingle)
        .fma(FloatVector.fromArray(Singles, y, q + LSingle), b)
      i += 2 * LSingle
    }
    while (i < n) {
      a = FloatVector
        .fromArray(Singles, x, at + i)
        .fma(FloatVector.fromArray(Singles, y, from + i), a)
      i += LSingle
    }
    a.add(b).reduceLanes(VectorOperators.ADD).toDouble
  }

  /** Two sums, so that an addition need not wait for the one before. */
  def dot(x: Array[Double], at: Int, y: Array[Double], from: Int, n: Int): Double = {
    var a = DoubleVector.zero(Doubles)
    var b = DoubleVector.zero(Doubles)
    var i = 0
    while (i + 2 * LDouble <= n) {
      val p = at + i
      val q = from + i
      a = DoubleVector.fromArray(Doubles, x, p).fma(DoubleVector.fromArray(Doubles, y, q), a)
      b = DoubleVector
        .fromArray(Doubles, x, p + LDouble)
        .fma(DoubleVector.fromArray(Doubles, y, q + LDouble), b)
      i += 2 * LDouble
    }
    while (i < n) {
      a = DoubleVector
        .fromArray(Doubles, x, at + i)
        .fma(DoubleVector.fromArray(Doubles, y, from + i), a)
      i += LDouble
    }
    a.add(b).reduceLanes(VectorOperators.ADD)
  }

  def sparse(
      values: Array[Double],
      columns: Array[Int],
      from: Int,
      until: Int,
      panel: Array[Double],
      p: Int,
      out: Array[Double],
      to: Int
  ): Unit = {
    val w = CentreTiles.DoubleWidth
    var i = 0
    while (i < w) {
      var a = DoubleVector.fromArray(Doubles, panel, p + i)
      var c = DoubleVector.fromArray(Doubles, panel, p + i + LDouble)
      var e = from
      while (e < until) {
        val b = DoubleVector.broadcast(Doubles, values(e))
        val o = p + (columns(e) + 1) * w + i
        a = b.fma(DoubleVector.fromArray(Doubles, panel, o), a)
        c = b.fma(DoubleVector.fromArray(Doubles, panel, o + LDouble), c)
        e += 1
      }
      a.intoArray(out, to + i)
      c.intoArray(out, to + i + LDouble)
      i += 2 * LDouble
    }
  }
}
