package mllibpy.kernel

import com.sun.management.HotSpotDiagnosticMXBean
import jdk.incubator.vector.{FloatVector, VectorOperators, VectorSpecies}

import java.lang.management.ManagementFactory

/** [[Arithmetic]] on the JDK's Vector API.
  *
  * One species for everything: two species in one JVM can make the compiler give up on both. The
  * symmetric update keeps 8 rows by 2 vectors of the result in registers (8 by 1 on the diagonal)
  * while it runs down the tile, so that each loaded vector is used eight times; the Cholesky factor
  * is left-looking by strips of 8 rows, updated and substituted without leaving the registers.
  */
object VectorArithmetic extends Arithmetic {
  private final val Species: VectorSpecies[java.lang.Float] = {
    val preferred = FloatVector.SPECIES_PREFERRED
    if (preferred.length > Stride.Lanes) FloatVector.SPECIES_512 else preferred
  }
  private final val L: Int = Species.length

  def name: String = s"vector${L * 32}"

  /** Whether the module is there and the processor has vectors worth using. */
  private[kernel] def works: Boolean = L >= 4 && fused

  /** Whether the processor multiplies and adds in one: without, the JVM does that in software, some
    * hundred times slower than plain loops. A JVM that cannot be asked is taken to have it.
    */
  private def fused: Boolean =
    try
      ManagementFactory
        .getPlatformMXBean(classOf[HotSpotDiagnosticMXBean])
        .getVMOption("UseFMA")
        .getValue
        .toBoolean
    catch { case _: Exception | _: LinkageError => true }

  def gather(
      fixed: Array[Float],
      stride: Int,
      offset: Int,
      width: Int,
      columns: Array[Int],
      from: Int,
      n: Int,
      scale: Array[Float],
      target: Array[Float],
      tile: Array[Float],
      rhs: Array[Float]
  ): Unit =
    if (tile.length == 0) gatherSum(fixed, stride, offset, width, columns, from, n, target, rhs)
    else {
      copyRows(fixed, stride, offset, width, columns, from, n, tile)
      var j = 0
      while (j + 4 * L <= width) {
        weigh4(tile, width, j, from, n, scale, target, rhs)
        j += 4 * L
      }
      while (j < width) {
        weigh1(tile, width, j, from, n, scale, target, rhs)
        j += L
      }
    }

  /** Nothing but copies, so that the processor can ask for many rows at once. */
  private def copyRows(
      fixed: Array[Float],
      stride: Int,
      offset: Int,
      width: Int,
      columns: Array[Int],
      from: Int,
      n: Int,
      tile: Array[Float]
  ): Unit = {
    var r = 0
    while (r < n) {
      var y = columns(from + r) * stride + offset
      var out = r * width
      val end = out + width
      while (out + 4 * L <= end) {
        val v0 = FloatVector.fromArray(Species, fixed, y)
        val v1 = FloatVector.fromArray(Species, fixed, y + L)
        val v2 = FloatVector.fromArray(Species, fixed, y + 2 * L)
        val v3 = FloatVector.fromArray(Species, fixed, y + 3 * L)
        v0.intoArray(tile, out)
        v1.intoArray(tile, out + L)
        v2.intoArray(tile, out + 2 * L)
        v3.intoArray(tile, out + 3 * L)
        y += 4 * L
        out += 4 * L
      }
      while (out < end) {
        FloatVector.fromArray(Species, fixed, y).intoArray(tile, out)
        y += L
        out += L
      }
      r += 1
    }
  }

  /** Adds up the columns j .. j+4L-1 of the tile, weighted, and scales them: the sums stay in
    * registers.
    */
  private def weigh4(
      tile: Array[Float],
      width: Int,
      j: Int,
      from: Int,
      n: Int,
      scale: Array[Float],
      target: Array[Float],
      rhs: Array[Float]
  ): Unit = {
    var a0 = FloatVector.fromArray(Species, rhs, j)
    var a1 = FloatVector.fromArray(Species, rhs, j + L)
    var a2 = FloatVector.fromArray(Species, rhs, j + 2 * L)
    var a3 = FloatVector.fromArray(Species, rhs, j + 3 * L)
    var r = 0
    var o = j
    while (r < n) {
      val t = FloatVector.broadcast(Species, target(from + r))
      val v0 = FloatVector.fromArray(Species, tile, o)
      val v1 = FloatVector.fromArray(Species, tile, o + L)
      val v2 = FloatVector.fromArray(Species, tile, o + 2 * L)
      val v3 = FloatVector.fromArray(Species, tile, o + 3 * L)
      a0 = v0.fma(t, a0)
      a1 = v1.fma(t, a1)
      a2 = v2.fma(t, a2)
      a3 = v3.fma(t, a3)
      if (scale != null) {
        val s = FloatVector.broadcast(Species, scale(from + r))
        v0.mul(s).intoArray(tile, o)
        v1.mul(s).intoArray(tile, o + L)
        v2.mul(s).intoArray(tile, o + 2 * L)
        v3.mul(s).intoArray(tile, o + 3 * L)
      }
      o += width
      r += 1
    }
    a0.intoArray(rhs, j)
    a1.intoArray(rhs, j + L)
    a2.intoArray(rhs, j + 2 * L)
    a3.intoArray(rhs, j + 3 * L)
  }

  private def weigh1(
      tile: Array[Float],
      width: Int,
      j: Int,
      from: Int,
      n: Int,
      scale: Array[Float],
      target: Array[Float],
      rhs: Array[Float]
  ): Unit = {
    var a = FloatVector.fromArray(Species, rhs, j)
    var r = 0
    var o = j
    while (r < n) {
      val v = FloatVector.fromArray(Species, tile, o)
      a = v.fma(FloatVector.broadcast(Species, target(from + r)), a)
      if (scale != null)
        v.mul(FloatVector.broadcast(Species, scale(from + r))).intoArray(tile, o)
      o += width
      r += 1
    }
    a.intoArray(rhs, j)
  }

  private def gatherSum(
      fixed: Array[Float],
      stride: Int,
      offset: Int,
      width: Int,
      columns: Array[Int],
      from: Int,
      n: Int,
      target: Array[Float],
      rhs: Array[Float]
  ): Unit = {
    var r = 0
    while (r < n) {
      val y = columns(from + r) * stride + offset
      val t = FloatVector.broadcast(Species, target(from + r))
      var j = 0
      while (j < width) {
        FloatVector
          .fromArray(Species, fixed, y + j)
          .fma(t, FloatVector.fromArray(Species, rhs, j))
          .intoArray(rhs, j)
        j += L
      }
      r += 1
    }
  }

  /** Four rows at a time, so that four chains of additions run side by side; a row is read twice,
    * the second time from the first-level cache.
    */
  def product(
      fixed: Array[Float],
      stride: Int,
      columns: Array[Int],
      n: Int,
      weight: Array[Float],
      v: Array[Float],
      out: Array[Float]
  ): Unit = {
    var e = 0
    while (e + 4 <= n) {
      val y0 = columns(e) * stride
      val y1 = columns(e + 1) * stride
      val y2 = columns(e + 2) * stride
      val y3 = columns(e + 3) * stride
      var a0 = FloatVector.zero(Species)
      var a1 = a0
      var a2 = a0
      var a3 = a0
      var j = 0
      while (j < stride) {
        val p = FloatVector.fromArray(Species, v, j)
        a0 = p.fma(FloatVector.fromArray(Species, fixed, y0 + j), a0)
        a1 = p.fma(FloatVector.fromArray(Species, fixed, y1 + j), a1)
        a2 = p.fma(FloatVector.fromArray(Species, fixed, y2 + j), a2)
        a3 = p.fma(FloatVector.fromArray(Species, fixed, y3 + j), a3)
        j += L
      }
      var s0 = a0.reduceLanes(VectorOperators.ADD)
      var s1 = a1.reduceLanes(VectorOperators.ADD)
      var s2 = a2.reduceLanes(VectorOperators.ADD)
      var s3 = a3.reduceLanes(VectorOperators.ADD)
      if (weight != null) {
        s0 *= weight(e)
        s1 *= weight(e + 1)
        s2 *= weight(e + 2)
        s3 *= weight(e + 3)
      }
      val b0 = FloatVector.broadcast(Species, s0)
      val b1 = FloatVector.broadcast(Species, s1)
      val b2 = FloatVector.broadcast(Species, s2)
      val b3 = FloatVector.broadcast(Species, s3)
      j = 0
      while (j < stride) {
        var o = FloatVector.fromArray(Species, out, j)
        o = b0.fma(FloatVector.fromArray(Species, fixed, y0 + j), o)
        o = b1.fma(FloatVector.fromArray(Species, fixed, y1 + j), o)
        o = b2.fma(FloatVector.fromArray(Species, fixed, y2 + j), o)
        b3.fma(FloatVector.fromArray(Species, fixed, y3 + j), o).intoArray(out, j)
        j += L
      }
      e += 4
    }
    while (e < n) {
      val y = columns(e) * stride
      val s = dot(fixed, y, v, 0, stride) * (if (weight == null) 1f else weight(e))
      addScaled(FloatVector.broadcast(Species, s), fixed, y, stride, out)
      e += 1
    }
  }

  private def addScaled(
      s: FloatVector,
      y: Array[Float],
      from: Int,
      n: Int,
      out: Array[Float]
  ): Unit = {
    var j = 0
    while (j < n) {
      s.fma(FloatVector.fromArray(Species, y, from + j), FloatVector.fromArray(Species, out, j))
        .intoArray(out, j)
      j += L
    }
  }

  def dots(
      fixed: Array[Float],
      stride: Int,
      offset: Int,
      width: Int,
      columns: Array[Int],
      n: Int,
      v: Array[Float],
      vFrom: Int,
      out: Array[Float],
      add: Boolean
  ): Unit = {
    var e = 0
    while (e + 4 <= n) {
      val y0 = columns(e) * stride + offset
      val y1 = columns(e + 1) * stride + offset
      val y2 = columns(e + 2) * stride + offset
      val y3 = columns(e + 3) * stride + offset
      var a0 = FloatVector.zero(Species)
      var a1 = a0
      var a2 = a0
      var a3 = a0
      var j = 0
      while (j < width) {
        val p = FloatVector.fromArray(Species, v, vFrom + j)
        a0 = p.fma(FloatVector.fromArray(Species, fixed, y0 + j), a0)
        a1 = p.fma(FloatVector.fromArray(Species, fixed, y1 + j), a1)
        a2 = p.fma(FloatVector.fromArray(Species, fixed, y2 + j), a2)
        a3 = p.fma(FloatVector.fromArray(Species, fixed, y3 + j), a3)
        j += L
      }
      val s0 = a0.reduceLanes(VectorOperators.ADD)
      val s1 = a1.reduceLanes(VectorOperators.ADD)
      val s2 = a2.reduceLanes(VectorOperators.ADD)
      val s3 = a3.reduceLanes(VectorOperators.ADD)
      if (add) { out(e) += s0; out(e + 1) += s1; out(e + 2) += s2; out(e + 3) += s3 }
      else { out(e) = s0; out(e + 1) = s1; out(e + 2) = s2; out(e + 3) = s3 }
      e += 4
    }
    while (e < n) {
      val s = dot(fixed, columns(e) * stride + offset, v, vFrom, width)
      out(e) = if (add) out(e) + s else s
      e += 1
    }
  }

  def combine(
      g: Array[Float],
      stride: Int,
      from: Int,
      until: Int,
      v: Array[Float],
      vFrom: Int,
      out: Array[Float]
  ): Unit = {
    var i = from
    while (i + 4 <= until) {
      val b0 = FloatVector.broadcast(Species, v(vFrom + i))
      val b1 = FloatVector.broadcast(Species, v(vFrom + i + 1))
      val b2 = FloatVector.broadcast(Species, v(vFrom + i + 2))
      val b3 = FloatVector.broadcast(Species, v(vFrom + i + 3))
      val p = i * stride
      var j = 0
      while (j < stride) {
        var o = FloatVector.fromArray(Species, out, j)
        o = b0.fma(FloatVector.fromArray(Species, g, p + j), o)
        o = b1.fma(FloatVector.fromArray(Species, g, p + stride + j), o)
        o = b2.fma(FloatVector.fromArray(Species, g, p + 2 * stride + j), o)
        b3.fma(FloatVector.fromArray(Species, g, p + 3 * stride + j), o).intoArray(out, j)
        j += L
      }
      i += 4
    }
    while (i < until) {
      addScaled(FloatVector.broadcast(Species, v(vFrom + i)), g, i * stride, stride, out)
      i += 1
    }
  }

  def scores(
      x: Array[Float],
      xFrom: Int,
      stride: Int,
      rank: Int,
      panel: Array[Float],
      p: Int,
      out: Array[Float]
  ): Unit = {
    var i = 0
    while (i < Arithmetic.PanelItems) {
      scores8x2(x, xFrom, stride, rank, panel, p + i, out, i)
      i += 2 * L
    }
  }

  /** Scores of 8 users and 2 L items, in registers. */
  private def scores8x2(
      x: Array[Float],
      u: Int,
      k: Int,
      rank: Int,
      panel: Array[Float],
      p: Int,
      out: Array[Float],
      to: Int
  ): Unit = {
    val zero = FloatVector.zero(Species)
    var a0 = zero; var a1 = zero; var a2 = zero; var a3 = zero
    var a4 = zero; var a5 = zero; var a6 = zero; var a7 = zero
    var c0 = zero; var c1 = zero; var c2 = zero; var c3 = zero
    var c4 = zero; var c5 = zero; var c6 = zero; var c7 = zero
    var j = 0
    var o = p
    while (j < rank) {
      val q = u + j
      val y = FloatVector.fromArray(Species, panel, o)
      val z = FloatVector.fromArray(Species, panel, o + L)
      val b0 = FloatVector.broadcast(Species, x(q)); a0 = b0.fma(y, a0); c0 = b0.fma(z, c0)
      val b1 = FloatVector.broadcast(Species, x(q + k)); a1 = b1.fma(y, a1); c1 = b1.fma(z, c1)
      val b2 = FloatVector.broadcast(Species, x(q + 2 * k)); a2 = b2.fma(y, a2); c2 = b2.fma(z, c2)
      val b3 = FloatVector.broadcast(Species, x(q + 3 * k)); a3 = b3.fma(y, a3); c3 = b3.fma(z, c3)
      val b4 = FloatVector.broadcast(Species, x(q + 4 * k)); a4 = b4.fma(y, a4); c4 = b4.fma(z, c4)
      val b5 = FloatVector.broadcast(Species, x(q + 5 * k)); a5 = b5.fma(y, a5); c5 = b5.fma(z, c5)
      val b6 = FloatVector.broadcast(Species, x(q + 6 * k)); a6 = b6.fma(y, a6); c6 = b6.fma(z, c6)
      val b7 = FloatVector.broadcast(Species, x(q + 7 * k)); a7 = b7.fma(y, a7); c7 = b7.fma(z, c7)
      o += Arithmetic.PanelItems
      j += 1
    }
    val w = Arithmetic.PanelItems
    a0.intoArray(out, to); c0.intoArray(out, to + L)
    a1.intoArray(out, to + w); c1.intoArray(out, to + w + L)
    a2.intoArray(out, to + 2 * w); c2.intoArray(out, to + 2 * w + L)
    a3.intoArray(out, to + 3 * w); c3.intoArray(out, to + 3 * w + L)
    a4.intoArray(out, to + 4 * w); c4.intoArray(out, to + 4 * w + L)
    a5.intoArray(out, to + 5 * w); c5.intoArray(out, to + 5 * w + L)
    a6.intoArray(out, to + 6 * w); c6.intoArray(out, to + 6 * w + L)
    a7.intoArray(out, to + 7 * w); c7.intoArray(out, to + 7 * w + L)
  }

  def anyAbove(numbers: Array[Float], at: Int, bar: Float): Boolean = {
    var any = false
    var i = at
    while (i < at + Arithmetic.PanelItems && !any) {
      any = FloatVector.fromArray(Species, numbers, i).compare(VectorOperators.GT, bar).anyTrue()
      i += L
    }
    any
  }

  def symmetricUpdate(
      a: Array[Float],
      stride: Int,
      tile: Array[Float],
      offset: Int,
      n: Int,
      add: Boolean
  ): Unit = {
    var j0 = 0
    while (j0 + 2 * L <= stride) {
      var i0 = 0
      while (i0 < j0 + L) { update8x2(a, stride, tile, offset, n, i0, j0, add); i0 += 8 }
      while (i0 < j0 + 2 * L) { update8x1(a, stride, tile, offset, n, i0, j0 + L, add); i0 += 8 }
      j0 += 2 * L
    }
    if (j0 < stride) {
      var i0 = 0
      while (i0 < stride) { update8x1(a, stride, tile, offset, n, i0, j0, add); i0 += 8 }
    }
  }

  /** a(i0 .. i0+7, j0 .. j0+2L-1) from all rows of the tile. */
  private def update8x2(
      a: Array[Float],
      k: Int,
      t: Array[Float],
      offset: Int,
      n: Int,
      i0: Int,
      j0: Int,
      add: Boolean
  ): Unit = {
    val zero = FloatVector.zero(Species)
    var a0 = zero; var a1 = zero; var a2 = zero; var a3 = zero
    var a4 = zero; var a5 = zero; var a6 = zero; var a7 = zero
    var c0 = zero; var c1 = zero; var c2 = zero; var c3 = zero
    var c4 = zero; var c5 = zero; var c6 = zero; var c7 = zero
    var o = offset
    val end = offset + n * k
    while (o < end) {
      val q = o + i0
      val x = FloatVector.fromArray(Species, t, o + j0)
      val y = FloatVector.fromArray(Species, t, o + j0 + L)
      val b0 = FloatVector.broadcast(Species, t(q)); a0 = b0.fma(x, a0); c0 = b0.fma(y, c0)
      val b1 = FloatVector.broadcast(Species, t(q + 1)); a1 = b1.fma(x, a1); c1 = b1.fma(y, c1)
      val b2 = FloatVector.broadcast(Species, t(q + 2)); a2 = b2.fma(x, a2); c2 = b2.fma(y, c2)
      val b3 = FloatVector.broadcast(Species, t(q + 3)); a3 = b3.fma(x, a3); c3 = b3.fma(y, c3)
      val b4 = FloatVector.broadcast(Species, t(q + 4)); a4 = b4.fma(x, a4); c4 = b4.fma(y, c4)
      val b5 = FloatVector.broadcast(Species, t(q + 5)); a5 = b5.fma(x, a5); c5 = b5.fma(y, c5)
      val b6 = FloatVector.broadcast(Species, t(q + 6)); a6 = b6.fma(x, a6); c6 = b6.fma(y, c6)
      val b7 = FloatVector.broadcast(Species, t(q + 7)); a7 = b7.fma(x, a7); c7 = b7.fma(y, c7)
      o += k
    }
    val p = i0 * k + j0
    if (add) {
      a0 = a0.add(FloatVector.fromArray(Species, a, p))
      c0 = c0.add(FloatVector.fromArray(Species, a, p + L))
      a1 = a1.add(FloatVector.fromArray(Species, a, p + k))
      c1 = c1.add(FloatVector.fromArray(Species, a, p + k + L))
      a2 = a2.add(FloatVector.fromArray(Species, a, p + 2 * k))
      c2 = c2.add(FloatVector.fromArray(Species, a, p + 2 * k + L))
      a3 = a3.add(FloatVector.fromArray(Species, a, p + 3 * k))
      c3 = c3.add(FloatVector.fromArray(Species, a, p + 3 * k + L))
      a4 = a4.add(FloatVector.fromArray(Species, a, p + 4 * k))
      c4 = c4.add(FloatVector.fromArray(Species, a, p + 4 * k + L))
      a5 = a5.add(FloatVector.fromArray(Species, a, p + 5 * k))
      c5 = c5.add(FloatVector.fromArray(Species, a, p + 5 * k + L))
      a6 = a6.add(FloatVector.fromArray(Species, a, p + 6 * k))
      c6 = c6.add(FloatVector.fromArray(Species, a, p + 6 * k + L))
      a7 = a7.add(FloatVector.fromArray(Species, a, p + 7 * k))
      c7 = c7.add(FloatVector.fromArray(Species, a, p + 7 * k + L))
    }
    a0.intoArray(a, p); c0.intoArray(a, p + L)
    a1.intoArray(a, p + k); c1.intoArray(a, p + k + L)
    a2.intoArray(a, p + 2 * k); c2.intoArray(a, p + 2 * k + L)
    a3.intoArray(a, p + 3 * k); c3.intoArray(a, p + 3 * k + L)
    a4.intoArray(a, p + 4 * k); c4.intoArray(a, p + 4 * k + L)
    a5.intoArray(a, p + 5 * k); c5.intoArray(a, p + 5 * k + L)
    a6.intoArray(a, p + 6 * k); c6.intoArray(a, p + 6 * k + L)
    a7.intoArray(a, p + 7 * k); c7.intoArray(a, p + 7 * k + L)
  }

  /** a(i0 .. i0+7, j0 .. j0+L-1) from all rows of the tile. */
  private def update8x1(
      a: Array[Float],
      k: Int,
      t: Array[Float],
      offset: Int,
      n: Int,
      i0: Int,
      j0: Int,
      add: Boolean
  ): Unit = {
    val zero = FloatVector.zero(Species)
    var a0 = zero; var a1 = zero; var a2 = zero; var a3 = zero
    var a4 = zero; var a5 = zero; var a6 = zero; var a7 = zero
    var o = offset
    val end = offset + n * k
    while (o < end) {
      val q = o + i0
      val x = FloatVector.fromArray(Species, t, o + j0)
      a0 = x.fma(FloatVector.broadcast(Species, t(q)), a0)
      a1 = x.fma(FloatVector.broadcast(Species, t(q + 1)), a1)
      a2 = x.fma(FloatVector.broadcast(Species, t(q + 2)), a2)
      a3 = x.fma(FloatVector.broadcast(Species, t(q + 3)), a3)
      a4 = x.fma(FloatVector.broadcast(Species, t(q + 4)), a4)
      a5 = x.fma(FloatVector.broadcast(Species, t(q + 5)), a5)
      a6 = x.fma(FloatVector.broadcast(Species, t(q + 6)), a6)
      a7 = x.fma(FloatVector.broadcast(Species, t(q + 7)), a7)
      o += k
    }
    val p = i0 * k + j0
    if (add) {
      a0 = a0.add(FloatVector.fromArray(Species, a, p))
      a1 = a1.add(FloatVector.fromArray(Species, a, p + k))
      a2 = a2.add(FloatVector.fromArray(Species, a, p + 2 * k))
      a3 = a3.add(FloatVector.fromArray(Species, a, p + 3 * k))
      a4 = a4.add(FloatVector.fromArray(Species, a, p + 4 * k))
      a5 = a5.add(FloatVector.fromArray(Species, a, p + 5 * k))
      a6 = a6.add(FloatVector.fromArray(Species, a, p + 6 * k))
      a7 = a7.add(FloatVector.fromArray(Species, a, p + 7 * k))
    }
    a0.intoArray(a, p)
    a1.intoArray(a, p + k)
    a2.intoArray(a, p + 2 * k)
    a3.intoArray(a, p + 3 * k)
    a4.intoArray(a, p + 4 * k)
    a5.intoArray(a, p + 5 * k)
    a6.intoArray(a, p + 6 * k)
    a7.intoArray(a, p + 7 * k)
  }

  def cholesky(a: Array[Float], stride: Int): Boolean = {
    val floor = Arithmetic.Singular * PlainArithmetic.largestDiagonal(a, stride)
    val corner = new Array[Float](64)
    var i0 = 0
    var ok = true
    while (i0 < stride && ok) {
      val first = i0 - i0 % L
      val beyond = Math.max(first + L, i0 + 8)
      var j0 = first
      while (j0 < beyond) { strip(a, stride, i0, j0, i0, null); j0 += L }
      ok = factorCorner(a, stride, i0, floor, corner)
      j0 = first
      while (j0 < beyond) { strip(a, stride, i0, j0, 0, corner); j0 += L }
      while (j0 + 2 * L <= stride) {
        subtract2(a, stride, i0, j0)
        strip(a, stride, i0, j0, 0, corner)
        strip(a, stride, i0, j0 + L, 0, corner)
        j0 += 2 * L
      }
      if (j0 < stride) strip(a, stride, i0, j0, i0, corner)
      i0 += 8
    }
    ok
  }

  /** For the 8 rows from i0 and the L columns from j0: subtracts what the first `above` rows of R
    * contribute, then, given the factored corner, substitutes so that they become rows of R.
    */
  private def strip(
      a: Array[Float],
      k: Int,
      i0: Int,
      j0: Int,
      above: Int,
      corner: Array[Float]
  ): Unit = {
    val p = i0 * k + j0
    var a0 = FloatVector.fromArray(Species, a, p)
    var a1 = FloatVector.fromArray(Species, a, p + k)
    var a2 = FloatVector.fromArray(Species, a, p + 2 * k)
    var a3 = FloatVector.fromArray(Species, a, p + 3 * k)
    var a4 = FloatVector.fromArray(Species, a, p + 4 * k)
    var a5 = FloatVector.fromArray(Species, a, p + 5 * k)
    var a6 = FloatVector.fromArray(Species, a, p + 6 * k)
    var a7 = FloatVector.fromArray(Species, a, p + 7 * k)
    var o = 0
    val end = above * k
    while (o < end) {
      val x = FloatVector.fromArray(Species, a, o + j0).neg()
      val q = o + i0
      a0 = x.fma(FloatVector.broadcast(Species, a(q)), a0)
      a1 = x.fma(FloatVector.broadcast(Species, a(q + 1)), a1)
      a2 = x.fma(FloatVector.broadcast(Species, a(q + 2)), a2)
      a3 = x.fma(FloatVector.broadcast(Species, a(q + 3)), a3)
      a4 = x.fma(FloatVector.broadcast(Species, a(q + 4)), a4)
      a5 = x.fma(FloatVector.broadcast(Species, a(q + 5)), a5)
      a6 = x.fma(FloatVector.broadcast(Species, a(q + 6)), a6)
      a7 = x.fma(FloatVector.broadcast(Species, a(q + 7)), a7)
      o += k
    }
    if (corner != null) {
      val g = corner
      a0 = a0.mul(g(0)).neg()
      a1 = a0.fma(FloatVector.broadcast(Species, g(1)), a1).mul(g(9)).neg()
      a2 = a1
        .fma(
          FloatVector.broadcast(Species, g(10)),
          a0.fma(FloatVector.broadcast(Species, g(2)), a2)
        )
        .mul(g(18))
        .neg()
      a3 = a2
        .fma(
          FloatVector.broadcast(Species, g(19)),
          a1.fma(
            FloatVector.broadcast(Species, g(11)),
            a0.fma(FloatVector.broadcast(Species, g(3)), a3)
          )
        )
        .mul(g(27))
        .neg()
      a4 = a1.fma(
        FloatVector.broadcast(Species, g(12)),
        a0.fma(FloatVector.broadcast(Species, g(4)), a4)
      )
      a4 = a3
        .fma(
          FloatVector.broadcast(Species, g(28)),
          a2.fma(FloatVector.broadcast(Species, g(20)), a4)
        )
        .mul(g(36))
        .neg()
      a5 = a1.fma(
        FloatVector.broadcast(Species, g(13)),
        a0.fma(FloatVector.broadcast(Species, g(5)), a5)
      )
      a5 = a4
        .fma(
          FloatVector.broadcast(Species, g(37)),
          a3.fma(
            FloatVector.broadcast(Species, g(29)),
            a2.fma(FloatVector.broadcast(Species, g(21)), a5)
          )
        )
        .mul(g(45))
        .neg()
      a6 = a2.fma(
        FloatVector.broadcast(Species, g(22)),
        a1.fma(
          FloatVector.broadcast(Species, g(14)),
          a0.fma(FloatVector.broadcast(Species, g(6)), a6)
        )
      )
      a6 = a5
        .fma(
          FloatVector.broadcast(Species, g(46)),
          a4.fma(
            FloatVector.broadcast(Species, g(38)),
            a3.fma(FloatVector.broadcast(Species, g(30)), a6)
          )
        )
        .mul(g(54))
        .neg()
      a7 = a2.fma(
        FloatVector.broadcast(Species, g(23)),
        a1.fma(
          FloatVector.broadcast(Species, g(15)),
          a0.fma(FloatVector.broadcast(Species, g(7)), a7)
        )
      )
      a7 = a5.fma(
        FloatVector.broadcast(Species, g(47)),
        a4.fma(
          FloatVector.broadcast(Species, g(39)),
          a3.fma(FloatVector.broadcast(Species, g(31)), a7)
        )
      )
      a7 = a6.fma(FloatVector.broadcast(Species, g(55)), a7).mul(g(63)).neg()
      // The substitution ran on negated rows, so that every step was an fma.
      a0 = a0.neg(); a1 = a1.neg(); a2 = a2.neg(); a3 = a3.neg()
      a4 = a4.neg(); a5 = a5.neg(); a6 = a6.neg(); a7 = a7.neg()
    }
    a0.intoArray(a, p)
    a1.intoArray(a, p + k)
    a2.intoArray(a, p + 2 * k)
    a3.intoArray(a, p + 3 * k)
    a4.intoArray(a, p + 4 * k)
    a5.intoArray(a, p + 5 * k)
    a6.intoArray(a, p + 6 * k)
    a7.intoArray(a, p + 7 * k)
  }

  /** For the 8 rows from i0 and 2L columns from j0: subtracts what the rows above contribute. */
  private def subtract2(a: Array[Float], k: Int, i0: Int, j0: Int): Unit = {
    val p = i0 * k + j0
    var a0 = FloatVector.fromArray(Species, a, p)
    var a1 = FloatVector.fromArray(Species, a, p + k)
    var a2 = FloatVector.fromArray(Species, a, p + 2 * k)
    var a3 = FloatVector.fromArray(Species, a, p + 3 * k)
    var a4 = FloatVector.fromArray(Species, a, p + 4 * k)
    var a5 = FloatVector.fromArray(Species, a, p + 5 * k)
    var a6 = FloatVector.fromArray(Species, a, p + 6 * k)
    var a7 = FloatVector.fromArray(Species, a, p + 7 * k)
    var c0 = FloatVector.fromArray(Species, a, p + L)
    var c1 = FloatVector.fromArray(Species, a, p + k + L)
    var c2 = FloatVector.fromArray(Species, a, p + 2 * k + L)
    var c3 = FloatVector.fromArray(Species, a, p + 3 * k + L)
    var c4 = FloatVector.fromArray(Species, a, p + 4 * k + L)
    var c5 = FloatVector.fromArray(Species, a, p + 5 * k + L)
    var c6 = FloatVector.fromArray(Species, a, p + 6 * k + L)
    var c7 = FloatVector.fromArray(Species, a, p + 7 * k + L)
    var o = 0
    val end = i0 * k
    while (o < end) {
      val x = FloatVector.fromArray(Species, a, o + j0).neg()
      val y = FloatVector.fromArray(Species, a, o + j0 + L).neg()
      val q = o + i0
      val b0 = FloatVector.broadcast(Species, a(q)); a0 = x.fma(b0, a0); c0 = y.fma(b0, c0)
      val b1 = FloatVector.broadcast(Species, a(q + 1)); a1 = x.fma(b1, a1); c1 = y.fma(b1, c1)
      val b2 = FloatVector.broadcast(Species, a(q + 2)); a2 = x.fma(b2, a2); c2 = y.fma(b2, c2)
      val b3 = FloatVector.broadcast(Species, a(q + 3)); a3 = x.fma(b3, a3); c3 = y.fma(b3, c3)
      val b4 = FloatVector.broadcast(Species, a(q + 4)); a4 = x.fma(b4, a4); c4 = y.fma(b4, c4)
      val b5 = FloatVector.broadcast(Species, a(q + 5)); a5 = x.fma(b5, a5); c5 = y.fma(b5, c5)
      val b6 = FloatVector.broadcast(Species, a(q + 6)); a6 = x.fma(b6, a6); c6 = y.fma(b6, c6)
      val b7 = FloatVector.broadcast(Species, a(q + 7)); a7 = x.fma(b7, a7); c7 = y.fma(b7, c7)
      o += k
    }
    a0.intoArray(a, p); c0.intoArray(a, p + L)
    a1.intoArray(a, p + k); c1.intoArray(a, p + k + L)
    a2.intoArray(a, p + 2 * k); c2.intoArray(a, p + 2 * k + L)
    a3.intoArray(a, p + 3 * k); c3.intoArray(a, p + 3 * k + L)
    a4.intoArray(a, p + 4 * k); c4.intoArray(a, p + 4 * k + L)
    a5.intoArray(a, p + 5 * k); c5.intoArray(a, p + 5 * k + L)
    a6.intoArray(a, p + 6 * k); c6.intoArray(a, p + 6 * k + L)
    a7.intoArray(a, p + 7 * k); c7.intoArray(a, p + 7 * k + L)
  }

  /** The Cholesky factor of the 8 by 8 corner at (i0, i0), with inverted diagonal, into `g`; `a`
    * keeps the unfactored corner.
    */
  private def factorCorner(
      a: Array[Float],
      k: Int,
      i0: Int,
      floor: Float,
      g: Array[Float]
  ): Boolean = {
    var i = 0
    while (i < 8) { System.arraycopy(a, (i0 + i) * k + i0, g, i * 8, 8); i += 1 }
    var ok = true
    i = 0
    while (i < 8) {
      val pivot = g(i * 8 + i)
      ok = ok && pivot > floor
      val inverse = 1f / Math.sqrt(pivot.toDouble).toFloat
      var j = i + 1
      while (j < 8) { g(i * 8 + j) *= inverse; j += 1 }
      g(i * 8 + i) = inverse
      // Right-looking: the updates of the rows below do not wait for one another.
      var r = i + 1
      while (r < 8) {
        val f = g(i * 8 + r)
        j = r
        while (j < 8) { g(r * 8 + j) -= f * g(i * 8 + j); j += 1 }
        r += 1
      }
      i += 1
    }
    ok
  }

  def solve(r: Array[Float], stride: Int, b: Array[Float]): Unit = {
    forward(r, stride, b)
    backward(r, stride, b)
  }

  /** Eight rows at a time. Behind a block's rows, b is what remains of the right-hand side; in
    * whole vectors, so that what is solved already is spoilt there and kept in x.
    */
  private def forward(r: Array[Float], k: Int, b: Array[Float]): Unit = {
    val x = new Array[Float](k)
    var i0 = 0
    while (i0 < k) {
      var i = 0
      while (i < 8) {
        var sum = b(i0 + i)
        var j = 0
        while (j < i) { sum -= r((i0 + j) * k + i0 + i) * x(i0 + j); j += 1 }
        x(i0 + i) = sum * (1f / r((i0 + i) * k + i0 + i))
        i += 1
      }
      takeRows(r, k, i0, x, b)
      i0 += 8
    }
    System.arraycopy(x, 0, b, 0, k)
  }

  /** b -= x(i0 .. i0+7) times these rows of r, from the vector that holds column i0 + 8. */
  private def takeRows(
      r: Array[Float],
      k: Int,
      i0: Int,
      x: Array[Float],
      b: Array[Float]
  ): Unit = {
    val b0 = FloatVector.broadcast(Species, -x(i0))
    val b1 = FloatVector.broadcast(Species, -x(i0 + 1))
    val b2 = FloatVector.broadcast(Species, -x(i0 + 2))
    val b3 = FloatVector.broadcast(Species, -x(i0 + 3))
    val b4 = FloatVector.broadcast(Species, -x(i0 + 4))
    val b5 = FloatVector.broadcast(Species, -x(i0 + 5))
    val b6 = FloatVector.broadcast(Species, -x(i0 + 6))
    val b7 = FloatVector.broadcast(Species, -x(i0 + 7))
    var j = (i0 + 8) / L * L
    while (j < k) {
      val p = i0 * k + j
      val even = FloatVector.fromArray(Species, b, j)
      val s0 = b0.fma(FloatVector.fromArray(Species, r, p), even)
      val s1 = b1.mul(FloatVector.fromArray(Species, r, p + k))
      val s2 = b2.fma(FloatVector.fromArray(Species, r, p + 2 * k), s0)
      val s3 = b3.fma(FloatVector.fromArray(Species, r, p + 3 * k), s1)
      val s4 = b4.fma(FloatVector.fromArray(Species, r, p + 4 * k), s2)
      val s5 = b5.fma(FloatVector.fromArray(Species, r, p + 5 * k), s3)
      val s6 = b6.fma(FloatVector.fromArray(Species, r, p + 6 * k), s4)
      val s7 = b7.fma(FloatVector.fromArray(Species, r, p + 7 * k), s5)
      s6.add(s7).intoArray(b, j)
      j += L
    }
  }

  /** Eight rows at a time, so that eight sums run side by side. */
  def backward(r: Array[Float], k: Int, b: Array[Float]): Unit = {
    val x = new Array[Float](k)
    val sums = new Array[Float](8)
    var i0 = k - 8
    while (i0 >= 0) {
      val head = Math.min(k, (i0 + 8 + L - 1) / L * L)
      rightOf(r, k, i0, head, x, sums)
      var i = 7
      while (i >= 0) {
        val row = (i0 + i) * k + i0
        var sum = b(i0 + i) - sums(i)
        var j = i + 1
        while (i0 + j < head) { sum -= r(row + j) * x(i0 + j); j += 1 }
        x(i0 + i) = sum * (1f / r(row + i))
        i -= 1
      }
      i0 -= 8
    }
    System.arraycopy(x, 0, b, 0, k)
  }

  /** What the columns from `head` on contribute to the 8 rows from i0. */
  private def rightOf(
      r: Array[Float],
      k: Int,
      i0: Int,
      head: Int,
      x: Array[Float],
      sums: Array[Float]
  ): Unit = {
    val zero = FloatVector.zero(Species)
    var a0 = zero; var a1 = zero; var a2 = zero; var a3 = zero
    var a4 = zero; var a5 = zero; var a6 = zero; var a7 = zero
    var j = head
    while (j < k) {
      val v = FloatVector.fromArray(Species, x, j)
      val p = i0 * k + j
      a0 = v.fma(FloatVector.fromArray(Species, r, p), a0)
      a1 = v.fma(FloatVector.fromArray(Species, r, p + k), a1)
      a2 = v.fma(FloatVector.fromArray(Species, r, p + 2 * k), a2)
      a3 = v.fma(FloatVector.fromArray(Species, r, p + 3 * k), a3)
      a4 = v.fma(FloatVector.fromArray(Species, r, p + 4 * k), a4)
      a5 = v.fma(FloatVector.fromArray(Species, r, p + 5 * k), a5)
      a6 = v.fma(FloatVector.fromArray(Species, r, p + 6 * k), a6)
      a7 = v.fma(FloatVector.fromArray(Species, r, p + 7 * k), a7)
      j += L
    }
    sums(0) = a0.reduceLanes(VectorOperators.ADD)
    sums(1) = a1.reduceLanes(VectorOperators.ADD)
    sums(2) = a2.reduceLanes(VectorOperators.ADD)
    sums(3) = a3.reduceLanes(VectorOperators.ADD)
    sums(4) = a4.reduceLanes(VectorOperators.ADD)
    sums(5) = a5.reduceLanes(VectorOperators.ADD)
    sums(6) = a6.reduceLanes(VectorOperators.ADD)
    sums(7) = a7.reduceLanes(VectorOperators.ADD)
  }

  def dot(x: Array[Float], xFrom: Int, y: Array[Float], yFrom: Int, n: Int): Float = {
    var sums = FloatVector.zero(Species)
    var i = 0
    while (i + L <= n) {
      sums = FloatVector
        .fromArray(Species, x, xFrom + i)
        .fma(FloatVector.fromArray(Species, y, yFrom + i), sums)
      i += L
    }
    var sum = sums.reduceLanes(VectorOperators.ADD)
    while (i < n) { sum += x(xFrom + i) * y(yFrom + i); i += 1 }
    sum
  }
}
