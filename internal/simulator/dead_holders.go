package simulator

import (
	"slices"
	"time"
)

// DeadHolder is a period in which a holder stored an access key that was deleted or Inactive.
type DeadHolder struct {
	Holder      *Holder
	AccessKeyID string
	From        time.Time
	// Until is zero while the holder still stores the key.
	Until time.Time
}

// DeadHolders lists the periods in which holders stored a deleted or Inactive key, whoever ended the key.
func (w *World) DeadHolders() []DeadHolder {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.dead)
}

// watchHolders updates the record of DeadHolders. It is called after every change of a key or a holder.
func (w *World) watchHolders() {
	now := w.clock.Now()
	var holders []*Holder
	for _, o := range w.organizations {
		holders = append(holders, o.holders()...)
	}
	dead := map[*Holder]string{}
	for _, h := range holders {
		if k := w.keys[h.accessKeyID()]; h.accessKeyID() != "" && (k == nil || !k.active) {
			dead[h] = h.accessKeyID()
		}
	}
	for i, d := range w.dead {
		switch {
		case !d.Until.IsZero():
		case dead[d.Holder] == d.AccessKeyID:
			delete(dead, d.Holder)
		default:
			w.dead[i].Until = now
		}
	}
	for _, h := range holders {
		if id, ok := dead[h]; ok {
			w.dead = append(w.dead, DeadHolder{Holder: h, AccessKeyID: id, From: now})
		}
	}
}
