package main

import (
	"fmt"
	"strings"
	"time"
)

const (
	width, height = 680, 412
	laneX         = 106
	end           = width - 12
	headerY       = 30
	lineHeight    = 19
	durationsY    = 76
	firstLaneY    = 92
	laneHeight    = 30
	laneStep      = 40
	holdersY      = firstLaneY + 2*laneStep + 14
	runsY         = holdersY + 3*laneStep + 14
	legendY       = runsY + laneStep + 28
)

// x is the horizontal position of each moment. The times between them are not drawn to scale, because seconds would be too
// small beside hours.
var x = [...]int{created: 146, cutover: 228, stagingDeployed: 312, productionDeployed: 404, deactivated: 514, deleted: 612}

// style has the colors for light and dark pages. The drawing has its own background, because a page may be dark while the
// reader's system is light. The keys also differ in brightness, and each bar names its key, for people who cannot distinguish
// the colors.
const style = `<style>
text { font: 16px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1c2328; }
.dim { fill: #57606a; }
.middle { text-anchor: middle; } .end { text-anchor: end; }
.back { fill: #ffffff; stroke: #d0d7de; } .guide { stroke: #d0d7de; stroke-dasharray: 3 4; }
.old { fill: #f2b04b; } .new { fill: #17549e; } .on-old { fill: #1c2328; } .on-new { fill: #ffffff; }
.valid-old { fill: #fdf1dc; stroke: #c47f10; stroke-width: 2; } .valid-new { fill: #dfebfa; stroke: #17549e; stroke-width: 2; }
.inactive { fill: none; stroke: #c47f10; stroke-width: 2; stroke-dasharray: 5 4; }
.gone { stroke: #c62828; stroke-width: 4; } .run { fill: #57606a; } .on-run { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .dim { fill: #9da7b3; }
.back { fill: #0d1117; stroke: #30363d; } .guide { stroke: #3d444d; }
.old { fill: #d9952f; } .new { fill: #8ab8f5; } .on-old, .on-new { fill: #0d1117; }
.valid-old { fill: #33260f; stroke: #d9952f; } .valid-new { fill: #10243f; stroke: #8ab8f5; }
.inactive { stroke: #d9952f; } .gone { stroke: #ff7b72; } .run { fill: #9da7b3; } .on-run { fill: #0d1117; }
}
</style>`

// canvas collects the elements of a drawing.
type canvas struct{ strings.Builder }

// draw returns the drawing of a story. The upper lanes show which key works, and the lower ones who has which key. At each
// moment, everybody has a key that works.
func draw(s story) string {
	c := &canvas{}
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img">`+"\n", width, height)
	fmt.Fprintln(c, "<title>Two access keys in a rotation: which of them works, and who has which</title>")
	fmt.Fprintln(c, style)
	fmt.Fprintf(c, `<rect class="back" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>`+"\n", width-1, height-1)
	for i, labels := range [][2]string{
		created:            {"new key", "created"},
		cutover:            {"Qovery", "gets it"},
		stagingDeployed:    {"staging", "deployed"},
		productionDeployed: {"production", "deployed"},
		deactivated:        {"old key", "Inactive"},
		deleted:            {"old key", "deleted"},
	} {
		c.text(x[i], headerY, "middle", labels[0])
		c.text(x[i], headerY+lineHeight, "middle", labels[1])
		fmt.Fprintf(c, `<path class="guide" d="M%d %dV%d"/>`+"\n", x[i], durationsY, runsY+laneHeight)
		if i > 0 {
			c.text((x[i-1]+x[i])/2, durationsY, "dim middle", between(s[i-1], s[i]))
		}
	}

	c.lane(firstLaneY, "old key")
	c.bar("valid-old", laneX, x[deactivated], firstLaneY, "works")
	c.bar("inactive", x[deactivated], x[deleted], firstLaneY, "Inactive")
	c.cross(x[deleted], firstLaneY)
	c.lane(firstLaneY+laneStep, "new key")
	c.bar("valid-new", x[created], end, firstLaneY+laneStep, "verified, works")

	for i, holder := range []struct {
		name     string
		switches int
	}{{"Qovery", cutover}, {stagingCluster, stagingDeployed}, {productionCluster, productionDeployed}} {
		y := holdersY + i*laneStep
		c.lane(y, holder.name)
		c.bar("old", laneX, x[holder.switches], y, "old key")
		c.bar("new", x[holder.switches], end, y, "new key")
	}

	c.lane(runsY, "terraform")
	c.bar("run", x[created], x[productionDeployed], runsY, "one apply")
	c.text((x[productionDeployed]+x[deactivated])/2, middle(runsY), "dim middle", "drain")
	c.bar("run", x[deactivated]-24, x[deactivated]+24, runsY, "apply")
	c.bar("run", x[deleted]-24, x[deleted]+24, runsY, "apply")
	c.legend()
	fmt.Fprintln(c, "</svg>")
	return c.String()
}

// middle returns the baseline of text in the middle of a bar.
func middle(y int) int { return y + laneHeight/2 + 6 }

func (c *canvas) text(x, y int, class, text string) {
	fmt.Fprintf(c, `<text class="%s" x="%d" y="%d">%s</text>`+"\n", class, x, y, text)
}

func (c *canvas) lane(y int, name string) { c.text(laneX-10, middle(y), "end", name) }

func (c *canvas) bar(class string, from, to, y int, text string) {
	fmt.Fprintf(c, `<rect class="%s" x="%d" y="%d" width="%d" height="%d"/>`+"\n", class, from, y, to-from, laneHeight)
	c.text((from+to)/2, middle(y), "middle on-"+class, text)
}

func (c *canvas) cross(x, y int) {
	const arm = 8
	y += laneHeight / 2
	fmt.Fprintf(c, `<path class="gone" d="M%d %dl%d %dM%d %dl%d %d"/>`+"\n", x-arm, y-arm, 2*arm, 2*arm, x-arm, y+arm, 2*arm, -2*arm)
}

// legend explains the bars that have no clear label, in the colors of both keys.
func (c *canvas) legend() {
	const swatch, step = 20, 172
	for i, entry := range []struct {
		classes []string
		text    string
	}{
		{[]string{"old", "new"}, "has the key"},
		{[]string{"valid-old", "valid-new"}, "works in AWS"},
		{[]string{"inactive"}, "quarantine (optional)"},
	} {
		at := laneX + i*step
		for _, class := range entry.classes {
			fmt.Fprintf(c, `<rect class="%s" x="%d" y="%d" width="%d" height="16"/>`+"\n", class, at, legendY-13, swatch)
			at += swatch
		}
		c.text(at+8, legendY, "", entry.text)
	}
}

// between formats the time between two moments.
func between(a, b time.Time) string {
	d := b.Sub(a).Round(time.Second)
	switch hours, minutes := int(d.Hours()), int(d.Minutes())%60; {
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%d h", hours)
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
}
