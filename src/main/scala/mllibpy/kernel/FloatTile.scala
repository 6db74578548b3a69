package mllibpy.kernel

import jdk.incubator.vector.{FloatVector, VectorSpecies}

/** Tiles of [[VectorTiles]] in float32: `tileRxV` holds R rows by V vectors of the result in
  * registers, from `c(o)` on, and adds n products to each.
  */
private[kernel] object FloatTile {
  private final val Species: VectorSpecies[java.lang.Float] = {
    val preferred = FloatVector.SPECIES_PREFERRED
    if (preferred.length > Tiles.Floats) FloatVector.SPECIES_512 else preferred
  }
  final val Lanes: Int = Species.length

  def tile8x2(
      a: Array[Float],
      at: Int,
      row: Int,
      step: Int,
      n: Int,
      b: Array[Float],
      bAt: Int,
      down: Int,
      c: Array[Float],
      o: Int,
      across: Int
  ): Unit = {
    var x0 = FloatVector.fromArray(Species, c, o + 0 * across)
    var y0 = FloatVector.fromArray(Species, c, o + 0 * across + Lanes)
    var x1 = FloatVector.fromArray(Species, c, o + 1 * across)
    var y1 = FloatVector.fromArray(Species, c, o + 1 * across + Lanes)
    var x2 = FloatVector.fromArray(Species, c, o + 2 * across)
    var y2 = FloatVector.fromArray(Species, c, o + 2 * across + Lanes)
    var x3 = FloatVector.fromArray(Species, c, o + 3 * across)
    var y3 = FloatVector.fromArray(Species, c, o + 3 * across + Lanes)
    var x4 = FloatVector.fromArray(Species, c, o + 4 * across)
    var y4 = FloatVector.fromArray(Species, c, o + 4 * across + Lanes)
    var x5 = FloatVector.fromArray(Species, c, o + 5 * across)
    var y5 = FloatVector.fromArray(Species, c, o + 5 * across + Lanes)
    var x6 = FloatVector.fromArray(Species, c, o + 6 * across)
    var y6 = FloatVector.fromArray(Species, c, o + 6 * across + Lanes)
    var x7 = FloatVector.fromArray(Species, c, o + 7 * across)
    var y7 = FloatVector.fromArray(Species, c, o + 7 * across + Lanes)
    var p = at
    var q = bAt
    var e = 0
    while (e < n) {
      val u = FloatVector.fromArray(Species, b, q)
      val v = FloatVector.fromArray(Species, b, q + Lanes)
      val s0 = FloatVector.broadcast(Species, a(p + 0 * row)); x0 = s0.fma(u, x0);
      y0 = s0.fma(v, y0)
      val s1 = FloatVector.broadcast(Species, a(p + 1 * row)); x1 = s1.fma(u, x1);
      y1 = s1.fma(v, y1)
      val s2 = FloatVector.broadcast(Species, a(p + 2 * row)); x2 = s2.fma(u, x2);
      y2 = s2.fma(v, y2)
      val s3 = FloatVector.broadcast(Species, a(p + 3 * row)); x3 = s3.fma(u, x3);
      y3 = s3.fma(v, y3)
      val s4 = FloatVector.broadcast(Species, a(p + 4 * row)); x4 = s4.fma(u, x4);
      y4 = s4.fma(v, y4)
      val s5 = FloatVector.broadcast(Species, a(p + 5 * row)); x5 = s5.fma(u, x5);
      y5 = s5.fma(v, y5)
      val s6 = FloatVector.broadcast(Species, a(p + 6 * row)); x6 = s6.fma(u, x6);
      y6 = s6.fma(v, y6)
      val s7 = FloatVector.broadcast(Species, a(p + 7 * row)); x7 = s7.fma(u, x7);
      y7 = s7.fma(v, y7)
      p += step
      q += down
      e += 1
    }
    x0.intoArray(c, o + 0 * across); y0.intoArray(c, o + 0 * across + Lanes)
    x1.intoArray(c, o + 1 * across); y1.intoArray(c, o + 1 * across + Lanes)
    x2.intoArray(c, o + 2 * across); y2.intoArray(c, o + 2 * across + Lanes)
    x3.intoArray(c, o + 3 * across); y3.intoArray(c, o + 3 * across + Lanes)
    x4.intoArray(c, o + 4 * across); y4.intoArray(c, o + 4 * across + Lanes)
    x5.intoArray(c, o + 5 * across); y5.intoArray(c, o + 5 * across + Lanes)
    x6.intoArray(c, o + 6 * across); y6.intoArray(c, o + 6 * across + Lanes)
    x7.intoArray(c, o + 7 * across); y7.intoArray(c, o + 7 * across + Lanes)
  }

  def tile8x1(
      a: Array[Float],
      at: Int,
      row: Int,
      step: Int,
      n: Int,
      b: Array[Float],
      bAt: Int,
      down: Int,
      c: Array[Float],
      o: Int,
      across: Int
  ): Unit = {
    var x0 = FloatVector.fromArray(Species, c, o + 0 * across)
    var x1 = FloatVector.fromArray(Species, c, o + 1 * across)
    var x2 = FloatVector.fromArray(Species, c, o + 2 * across)
    var x3 = FloatVector.fromArray(Species, c, o + 3 * across)
    var x4 = FloatVector.fromArray(Species, c, o + 4 * across)
    var x5 = FloatVector.fromArray(Species, c, o + 5 * across)
    var x6 = FloatVector.fromArray(Species, c, o + 6 * across)
    var x7 = FloatVector.fromArray(Species, c, o + 7 * across)
    var p = at
    var q = bAt
    var e = 0
    while (e < n) {
      val u = FloatVector.fromArray(Species, b, q)
      val s0 = FloatVector.broadcast(Species, a(p + 0 * row)); x0 = s0.fma(u, x0)
      val s1 = FloatVector.broadcast(Species, a(p + 1 * row)); x1 = s1.fma(u, x1)
      val s2 = FloatVector.broadcast(Species, a(p + 2 * row)); x2 = s2.fma(u, x2)
      val s3 = FloatVector.broadcast(Species, a(p + 3 * row)); x3 = s3.fma(u, x3)
      val s4 = FloatVector.broadcast(Species, a(p + 4 * row)); x4 = s4.fma(u, x4)
      val s5 = FloatVector.broadcast(Species, a(p + 5 * row)); x5 = s5.fma(u, x5)
      val s6 = FloatVector.broadcast(Species, a(p + 6 * row)); x6 = s6.fma(u, x6)
      val s7 = FloatVector.broadcast(Species, a(p + 7 * row)); x7 = s7.fma(u, x7)
      p += step
      q += down
      e += 1
    }
    x0.intoArray(c, o + 0 * across)
    x1.intoArray(c, o + 1 * across)
    x2.intoArray(c, o + 2 * across)
    x3.intoArray(c, o + 3 * across)
    x4.intoArray(c, o + 4 * across)
    x5.intoArray(c, o + 5 * across)
    x6.intoArray(c, o + 6 * across)
    x7.intoArray(c, o + 7 * across)
  }

  def tile4x2(
      a: Array[Float],
      at: Int,
      row: Int,
      step: Int,
      n: Int,
      b: Array[Float],
      bAt: Int,
      down: Int,
      c: Array[Float],
      o: Int,
      across: Int
  ): Unit = {
    var x0 = FloatVector.fromArray(Species, c, o + 0 * across)
    var y0 = FloatVector.fromArray(Species, c, o + 0 * across + Lanes)
    var x1 = FloatVector.fromArray(Species, c, o + 1 * across)
    var y1 = FloatVector.fromArray(Species, c, o + 1 * across + Lanes)
    var x2 = FloatVector.fromArray(Species, c, o + 2 * across)
    var y2 = FloatVector.fromArray(Species, c, o + 2 * across + Lanes)
    var x3 = FloatVector.fromArray(Species, c, o + 3 * across)
    var y3 = FloatVector.fromArray(Species, c, o + 3 * across + Lanes)
    var p = at
    var q = bAt
    var e = 0
    while (e < n) {
      val u = FloatVector.fromArray(Species, b, q)
      val v = FloatVector.fromArray(Species, b, q + Lanes)
      val s0 = FloatVector.broadcast(Species, a(p + 0 * row)); x0 = s0.fma(u, x0);
      y0 = s0.fma(v, y0)
      val s1 = FloatVector.broadcast(Species, a(p + 1 * row)); x1 = s1.fma(u, x1);
      y1 = s1.fma(v, y1)
      val s2 = FloatVector.broadcast(Species, a(p + 2 * row)); x2 = s2.fma(u, x2);
      y2 = s2.fma(v, y2)
      val s3 = FloatVector.broadcast(Species, a(p + 3 * row)); x3 = s3.fma(u, x3);
      y3 = s3.fma(v, y3)
      p += step
      q += down
      e += 1
    }
    x0.intoArray(c, o + 0 * across); y0.intoArray(c, o + 0 * across + Lanes)
    x1.intoArray(c, o + 1 * across); y1.intoArray(c, o + 1 * across + Lanes)
    x2.intoArray(c, o + 2 * across); y2.intoArray(c, o + 2 * across + Lanes)
    x3.intoArray(c, o + 3 * across); y3.intoArray(c, o + 3 * across + Lanes)
  }

  def tile4x1(
      a: Array[Float],
      at: Int,
      row: Int,
      step: Int,
      n: Int,
      b: Array[Float],
      bAt: Int,
      down: Int,
      c: Array[Float],
      o: Int,
      across: Int
  ): Unit = {
    var x0 = FloatVector.fromArray(Species, c, o + 0 * across)
    var x1 = FloatVector.fromArray(Species, c, o + 1 * across)
    var x2 = FloatVector.fromArray(Species, c, o + 2 * across)
    var x3 = FloatVector.fromArray(Species, c, o + 3 * across)
    var p = at
    var q = bAt
    var e = 0
    while (e < n) {
      val u = FloatVector.fromArray(Species, b, q)
      val s0 = FloatVector.broadcast(Species, a(p + 0 * row)); x0 = s0.fma(u, x0)
      val s1 = FloatVector.broadcast(Species, a(p + 1 * row)); x1 = s1.fma(u, x1)
      val s2 = FloatVector.broadcast(Species, a(p + 2 * row)); x2 = s2.fma(u, x2)
      val s3 = FloatVector.broadcast(Species, a(p + 3 * row)); x3 = s3.fma(u, x3)
      p += step
      q += down
      e += 1
    }
    x0.intoArray(c, o + 0 * across)
    x1.intoArray(c, o + 1 * across)
    x2.intoArray(c, o + 2 * across)
    x3.intoArray(c, o + 3 * across)
  }

  def tile1x4(
      a: Array[Float],
      at: Int,
      step: Int,
      n: Int,
      b: Array[Float],
      bAt: Int,
      down: Int,
      c: Array[Float],
      o: Int
  ): Unit = {
    var x = FloatVector.fromArray(Species, c, o)
    var y = FloatVector.fromArray(Species, c, o + Lanes)
    var z = FloatVector.fromArray(Species, c, o + 2 * Lanes)
    var t = FloatVector.fromArray(Species, c, o + 3 * Lanes)
    var p = at
    var q = bAt
    var e = 0
    while (e < n) {
      val s = FloatVector.broadcast(Species, a(p))
      x = s.fma(FloatVector.fromArray(Species, b, q), x)
      y = s.fma(FloatVector.fromArray(Species, b, q + Lanes), y)
      z = s.fma(FloatVector.fromArray(Species, b, q + 2 * Lanes), z)
      t = s.fma(FloatVector.fromArray(Species, b, q + 3 * Lanes), t)
      p += step
      q += down
      e += 1
    }
    x.intoArray(c, o)
    y.intoArray(c, o + Lanes)
    z.intoArray(c, o + 2 * Lanes)
    t.intoArray(c, o + 3 * Lanes)
  }

  def tile1x1(
      a: Array[Float],
      at: Int,
      step: Int,
      n: Int,
      b: Array[Float],
      bAt: Int,
      down: Int,
      c: Array[Float],
      o: Int
  ): Unit = {
    var x = FloatVector.fromArray(Species, c, o)
    var p = at
    var q = bAt
    var e = 0
    while (e < n) {
      x = FloatVector.broadcast(Species, a(p)).fma(FloatVector.fromArray(Species, b, q), x)
      p += step
      q += down
      e += 1
    }
    x.intoArray(c, o)
  }
}
