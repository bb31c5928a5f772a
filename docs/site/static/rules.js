// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
// A field above the rules: only those stay that have all of its words.
document.addEventListener("DOMContentLoaded", () => {
	const place = document.getElementById("rules-search");
	if (!place)
		return;
	const field = document.createElement("input");
	const count = document.createElement("p");
	const rules = [...document.querySelectorAll("article section > section")];

	field.type = "search";
	field.placeholder = "words of a rule: elfcorehdr arm64 error ...";
	field.setAttribute("aria-label", "search the rules");
	place.append(field, count);
	const show = () => {
		const words = field.value.toLowerCase().split(/\s+/);
		let shown = 0;
		for (const rule of rules) {
			const text = rule.textContent.toLowerCase();
			const has = words.every(word => text.includes(word));
			rule.hidden = !has;
			shown += has;
		}
		count.textContent = `${shown} of ${rules.length} rules`;
	};
	field.addEventListener("input", show);
	show();
});
