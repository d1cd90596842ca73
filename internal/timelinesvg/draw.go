package main

import (
	"fmt"
	"strings"
	"time"
)

const (
	width      = 960
	height     = 300
	marginLeft = 110
	// column is the distance between two moments. The time between them is written, not drawn to scale: seconds beside
	// hours could not be seen.
	column     = 160
	lineHeight = 16

	axisY      = 60
	firstLaneY = 100
	laneStep   = 52
	laneHeight = 28
	bracketY   = 256
	bracketGap = 12
)

const (
	colorHeld   = "#1f5f99"
	colorValid  = "#9cc3e6"
	colorLines  = "#5b6770"
	colorText   = "#1c2328"
	colorBack   = "#ffffff"
	colorGuides = "#c9d1d9"
)

// canvas collects the elements of a drawing.
type canvas struct{ strings.Builder }

// draw is the drawing of a story.
func draw(s story) string {
	c := &canvas{}
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" font-family="system-ui, sans-serif" `+
		`font-size="13">`+"\n", width, height)
	fmt.Fprintln(c, "<title>The life of two access keys in a rotation</title>")
	fmt.Fprintf(c, `<rect width="%d" height="%d" rx="8" fill="%s"/>`+"\n", width, height, colorBack)

	last := len(s.moments) - 1
	end := x(last) + (width-x(last))*2/3
	for i, m := range s.moments {
		fmt.Fprintf(c, `<path d="M%d %dV%d" stroke="%s" stroke-dasharray="3 3"/>`+"\n", x(i), axisY, bracketY, colorGuides)
		for n, label := range m.labels {
			c.text(x(i), axisY-10-lineHeight*(len(m.labels)-1-n), "middle", label)
		}
		if i > 0 {
			c.text((x(i-1)+x(i))/2, axisY+16, "middle", between(s.moments[i-1].at, m.at))
		}
	}

	c.lane(0, "old key")
	c.bar(0, marginLeft-20, x(s.cutover), colorHeld, "held by Qovery")
	c.bar(0, x(s.cutover), x(s.retired), colorValid, "still valid: deployments finish with it")
	c.lane(1, "new key")
	c.bar(1, x(0), x(s.cutover), colorValid, "verified")
	c.bar(1, x(s.cutover), end, colorHeld, "held by Qovery")
	c.lane(2, "cluster")
	c.bar(2, marginLeft-20, x(s.deployed), colorValid, "runs with the old key, which is valid all the time")
	c.bar(2, x(s.deployed), end, colorHeld, "runs with the new key")

	c.bracket(x(0), x(s.deployed)-bracketGap, "one apply: rotation")
	c.bracket(x(s.deployed), x(s.retired)-bracketGap, "drain window")
	c.bracket(x(s.retired), end, "a later apply: cleanup")
	fmt.Fprintln(c, "</svg>")
	return c.String()
}

// x is where a moment is.
func x(i int) int { return marginLeft + 60 + i*column }

func (c *canvas) text(x, y int, anchor, text string) {
	fmt.Fprintf(c, `<text x="%d" y="%d" text-anchor="%s" fill="%s">%s</text>`+"\n", x, y, anchor, colorText, text)
}

func (c *canvas) lane(n int, name string) {
	c.text(marginLeft-32, firstLaneY+n*laneStep+laneHeight/2+4, "end", name)
}

func (c *canvas) bar(lane, from, to int, color, text string) {
	y := firstLaneY + lane*laneStep
	fmt.Fprintf(c, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`+"\n", from, y, to-from, laneHeight, color)
	textColor := colorText
	if color == colorHeld {
		textColor = colorBack
	}
	fmt.Fprintf(c, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", from+10, y+laneHeight/2+4, textColor, text)
}

func (c *canvas) bracket(from, to int, text string) {
	fmt.Fprintf(c, `<path d="M%d %dv6H%dv-6" fill="none" stroke="%s"/>`+"\n", from, bracketY, to, colorLines)
	c.text((from+to)/2, bracketY+24, "middle", text)
}

// between writes the time between two moments as people say it.
func between(a, b time.Time) string {
	d := b.Sub(a)
	switch {
	case d >= time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	case d >= time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	default:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
}
